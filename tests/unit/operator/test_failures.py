"""Each failure is recorded once, then its pod is replaced; old ones are forgiven."""

from datetime import timedelta

from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.failure_policy import failure_of, permanent_failure, record
from unit.operator.builders import DATASET, NOW, ago, conditions, failed_pod, job, observed, pod, started

CRASH = TerminationMessage(reason="Crashed", message="rank 0 ended with SIGSEGV", last_lines=["a", "b"])
HOUR = timedelta(hours=1)


def test_a_failure_says_what_the_pod_said() -> None:
    failure = failure_of(observed(), failed_pod("j-worker-1", 139, CRASH))
    assert (failure.pod, failure.node, failure.exit_code) == ("j-worker-1", "node-1", 139)
    assert (failure.reason, failure.message, failure.last_lines) == ("Crashed", CRASH.message, ["a", "b"])


def test_a_pod_out_of_memory_is_told_what_to_do() -> None:
    failure = failure_of(observed(), failed_pod("j-worker-0", 137, end_reason="OOMKilled"))
    assert failure.reason == "OOMKilled"
    assert "spec.workers.resources.memory" in failure.message


def test_a_new_failure_is_counted_before_its_pod_is_deleted() -> None:
    dead = failed_pod("j-worker-1", 1, CRASH)
    first = plan_job(observed(job(started(dataset=DATASET)), pods=(pod("j-worker-0"), dead)))
    assert first.status.recoveries.count == 1
    assert first.status.first_failure.message == CRASH.message
    assert not [reference for reference in first.delete if reference.name == dead.name]
    assert "WorkerFailed" in [event.reason for event in first.events]
    second = plan_job(observed(job(first.status.document()), pods=(pod("j-worker-0"), dead)))
    assert [reference.uid for reference in second.delete] == [dead.uid]
    assert second.status is None or second.status.recoveries.count == 1


def test_the_failed_pod_is_made_anew_only_when_it_is_gone() -> None:
    dead = failed_pod("j-worker-1", 1, CRASH)
    recorded = record(JobStatus(), (failure_of(observed(), dead),), HOUR, NOW)
    status = {**started(dataset=DATASET), **recorded.document()}
    held = plan_job(observed(job(status), pods=(pod("j-worker-0"), dead)))
    free = plan_job(observed(job(status), pods=(pod("j-worker-0"),)))
    assert "j-worker-1" not in [manifest["metadata"]["name"] for manifest in held.apply]
    assert "j-worker-1" in [manifest["metadata"]["name"] for manifest in free.apply]


def test_the_job_fails_when_the_budget_is_spent() -> None:
    status = started(dataset=DATASET, recoveries={"count": 2, "times": [ago(10), ago(5)]})
    snapshot = observed(job(status, recovery={"maxFailures": 2}), pods=(failed_pod("j-worker-0", 1, CRASH),))
    plan = plan_job(snapshot)
    failed = conditions(plan.status)["Failed"]
    assert (failed.status, failed.reason) == ("True", "TooManyFailures")
    assert "spec.recovery.maxFailures is 2" in failed.message
    assert CRASH.message in failed.message


def test_failures_outside_the_window_are_forgiven() -> None:
    status = JobStatus.model_validate({"recoveries": {"count": 2, "times": [ago(4000), ago(10)]}})
    after = record(status, (failure_of(observed(), failed_pod("j-worker-0")),), HOUR, NOW)
    assert after.recoveries.count == 3
    assert len(after.recoveries.times) == 2


def test_bad_input_fails_at_once_with_the_pods_own_sentence() -> None:
    words = TerminationMessage(reason="BadInput", message="spec.data.source.path: no text files")
    failure = failure_of(observed(), failed_pod("j-prepare", 2, words))
    assert permanent_failure((failure,)) is failure
    plan = plan_job(observed(job(started()), pods=(failed_pod("j-prepare", 2, words),)))
    assert conditions(plan.status)["Failed"].message == words.message
    assert conditions(plan.status)["Failed"].reason == "BadInput"


def test_a_pod_on_a_lost_node_is_replaced_without_its_kubelet() -> None:
    here, away = pod("j-worker-0", node="node-2"), pod("j-worker-1")
    lost = {"pods": (here, away), "lost_nodes": frozenset({"node-1"})}
    first = plan_job(observed(job(started(dataset=DATASET)), **lost))
    assert first.status.first_failure.reason == "NodeLost"
    assert "node node-1 is not ready" in first.status.first_failure.message
    assert not first.delete
    second = plan_job(observed(job(first.status.document()), **lost))
    assert [(reference.uid, reference.force) for reference in second.delete] == [(away.uid, True)]


def test_a_pod_that_can_not_finish_its_deletion_on_a_lost_node_goes_at_once() -> None:
    leaving = pod("j-worker-1", deleting=True)
    snapshot = observed(job(started(dataset=DATASET)), pods=(leaving,), lost_nodes=frozenset({"node-1"}))
    status = plan_job(snapshot).status
    again = plan_job(observed(job(status.document()), pods=(leaving,), lost_nodes=frozenset({"node-1"})))
    assert [(reference.name, reference.force) for reference in again.delete] == [("j-worker-1", True)]
