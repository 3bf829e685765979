"""Each failure is recorded once, then its pod is replaced; failures outside of the window do not count."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.termination import TerminationMessage
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.failure_policy import (
    failure_of,
    has_failed,
    is_lost,
    new_failed_pods,
    permanent_failure,
    record_failures,
    recorded_failed_pods,
)
from unit.operator.builders import DATASET, NOW, ago, conditions, failed_pod, job, names, pod, snapshot, started

CRASH = TerminationMessage(reason="Crashed", message="rank 0 ended with SIGSEGV", last_lines=["a", "b"])
BAD_INPUT = TerminationMessage(reason="BadInput", message="spec.data.source.path: no text files")
HOUR = FailureBudget(max_failures=2, window_seconds=3600)
NODE_1 = frozenset({"node-1"})


def failure(*args: Any, **fields: Any) -> Failure:
    return failure_of(failed_pod(*args, **fields), frozenset(), NOW)


def test_a_failure_holds_the_termination_message_of_the_pod() -> None:
    found = failure("j-worker-1", 139, CRASH)
    assert (found.pod, found.node, found.exit_code) == ("j-worker-1", "node-1", 139)
    assert (found.reason, found.message, found.last_lines) == ("Crashed", CRASH.message, ["a", "b"])


def test_a_pod_out_of_memory_is_reported_with_the_remedy() -> None:
    found = failure("j-worker-0", 137, end_reason="OOMKilled")
    assert found.reason == "OOMKilled"
    assert "spec.workers.resources.memory" in found.message


def test_a_pod_out_of_memory_is_reported_with_its_limit_and_stage() -> None:
    prepare = failure("j-prepare", 137, end_reason="OOMKilled", memory_limit="2Gi")
    assert "the prepare pod exceeded its memory limit of 2Gi; raise spec.workers" in prepare.message
    coordinator = failure("j-coordinator", 137, end_reason="OOMKilled", memory_limit="256Mi")
    assert "of 256Mi; the operator sets this limit" in coordinator.message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            'Usage of EmptyDir volume "tmp" exceeds the limit "5Gi". ',
            'the kubelet evicted the worker pod: Usage of EmptyDir volume "tmp" exceeds the limit "5Gi"; '
            "raise spec.workers.resources.scratch, or the size of the mount, which needs a new job",
            id="temporary files",
        ),
        pytest.param(
            "Pod ephemeral local storage usage exceeds the total limit of containers 5Gi. ",
            "raise spec.workers.resources.scratch",
            id="everything on the disk together",
        ),
        pytest.param(
            "The node was low on resource: memory. ",
            "the kubelet evicted the worker pod: The node was low on resource: memory",
            id="the node",
        ),
        pytest.param("", "the kubelet evicted the worker pod: it did not say why", id="no words"),
    ],
)
def test_an_evicted_pod_is_reported_in_the_kubelets_words(words: str, message: str) -> None:
    evicted = failed_pod("j-worker-0", 137, end_reason="Evicted", status_message=words)
    found = failure_of(replace(evicted, end_message="step 3\nstep 4"), frozenset(), NOW)
    assert found.reason == "Evicted"
    assert message in found.message
    assert ("resources.scratch" in found.message) is ("scratch" in message)
    assert found.last_lines == ["step 3", "step 4"]


def test_a_pod_on_a_lost_node_is_lost_unless_it_has_finished() -> None:
    assert is_lost(pod("j-worker-0"), NODE_1)
    assert not is_lost(pod("j-worker-0", phase="Succeeded"), NODE_1)
    assert not is_lost(pod("j-worker-0"), frozenset({"node-2"}))


def test_a_failed_pod_that_is_being_deleted_is_being_replaced_already() -> None:
    assert has_failed(failed_pod("j-worker-0"), frozenset())
    assert not has_failed(failed_pod("j-worker-0", deleting=True), frozenset())


def test_a_failed_pod_is_new_until_the_status_records_it() -> None:
    pods = (failed_pod("j-worker-1"), failed_pod("j-worker-0"), pod("j-worker-2"))
    status = JobStatus()
    new = new_failed_pods(status, pods, frozenset())
    assert [pod.name for pod in new] == ["j-worker-0", "j-worker-1"]
    assert recorded_failed_pods(status, pods, frozenset()) == ()
    status = record_failures(status, (failure("j-worker-0"),), HOUR, NOW)
    assert [pod.name for pod in new_failed_pods(status, pods, frozenset())] == ["j-worker-1"]
    assert [pod.name for pod in recorded_failed_pods(status, pods, frozenset())] == ["j-worker-0"]


def test_a_new_failure_is_counted_before_its_pod_is_deleted() -> None:
    failed = failed_pod("j-worker-1", 1, CRASH)
    first = plan_job(snapshot(job(started(dataset=DATASET)), pods=(pod("j-worker-0"), failed)))
    assert first.status.recoveries.count == 1
    assert first.status.first_failure.message == CRASH.message
    assert not [reference for reference in first.delete if reference.name == failed.name]
    assert "WorkerFailed" in [event.reason for event in first.events]
    second = plan_job(snapshot(job(first.status.document()), pods=(pod("j-worker-0"), failed)))
    assert [reference.uid for reference in second.delete] == [failed.uid]
    assert second.status is None or second.status.recoveries.count == 1


def test_a_failed_pod_is_replaced_only_when_it_no_longer_exists() -> None:
    failed = failed_pod("j-worker-1", 1, CRASH)
    status = record_failures(JobStatus(), (failure_of(failed, frozenset(), NOW),), HOUR, NOW)
    the_job = job({**started(dataset=DATASET), **status.document()})
    assert "Pod j-worker-1" not in names(plan_job(snapshot(the_job, pods=(pod("j-worker-0"), failed))).apply)
    assert "Pod j-worker-1" in names(plan_job(snapshot(the_job, pods=(pod("j-worker-0"),))).apply)


def test_failures_outside_of_the_window_no_longer_count() -> None:
    status = JobStatus.model_validate({"recoveries": {"count": 2, "times": [ago(4000), ago(100)]}})
    after = record_failures(status, (failure("j-worker-0"),), HOUR, NOW)
    assert after.recoveries.count == 3
    assert after.recoveries.times == [ago(100), ago(0)]


@pytest.mark.parametrize("number", [8, 70, 512])
@pytest.mark.parametrize("disruption", ["", "EvictionByEvictionAPI"])
def test_however_many_pods_fail_or_are_drained_each_is_recorded_once(number: int, disruption: str) -> None:
    spec = {"workers": {"replicas": number}, "training": {"steps": 100, "microbatches": 512}}
    pods = tuple(
        pod(f"j-worker-{worker}", deleting=True, disruption=disruption)
        if disruption
        else failed_pod(f"j-worker-{worker}", 1, CRASH)
        for worker in range(number)
    )
    first = plan_job(snapshot(job(started(dataset=DATASET), **spec), pods=pods))
    assert len(first.status.recoveries.recent) == min(number, 32)
    expected = (0, number, 0) if disruption else (number, 0, 1)
    for status in (first.status, JobStatus.from_server(first.status.document())):
        recoveries = status.recoveries
        assert (recoveries.count, recoveries.disruptions, len(recoveries.times)) == expected
    events = [event for event in first.events if event.reason in ("WorkerFailed", "PodDisrupted")]
    assert len(events) == (8 if number == 8 else 1)
    assert number == 8 or f"{number} pods" in events[0].message
    the_job = job(first.status.document(), **spec)
    second = plan_job(snapshot(the_job, pods=pods))
    assert {reference.uid for reference in second.delete} == (set() if disruption else {pod.uid for pod in pods})
    for left in (pods, pods[: number // 2]):  # the cache shows the deletions late, or some of them
        late = plan_job(snapshot(the_job, pods=left))
        assert late.status is None or late.status.recoveries == the_job.status.recoveries
        assert not [event for event in late.events if event.reason in ("WorkerFailed", "PodDisrupted")]


def test_lost_coordinators_stay_among_the_newest_failures_because_they_limit_replacements() -> None:
    coordinator = failure("j-coordinator").model_copy(
        update={"reason": "CoordinatorLost", "disruption": True, "uid": "c"}
    )
    status = record_failures(JobStatus(), (coordinator,), HOUR, NOW)
    status = record_failures(status, tuple(failure(f"j-worker-{number}") for number in range(100)), HOUR, NOW)
    assert [record.uid for record in status.recoveries.recent] == [
        "c",
        *(f"uid-of-j-worker-{n}" for n in range(69, 100)),
    ]


def test_processes_of_drained_pods_that_die_are_not_counted_however_many_pods_are_drained() -> None:
    drained = tuple(
        failure(f"j-worker-{number}").model_copy(update={"reason": "EvictionByEvictionAPI", "disruption": True})
        for number in range(100)
    )
    status = record_failures(JobStatus(), drained, HOUR, NOW)
    later = format_rfc3339(NOW + timedelta(seconds=5))
    ended = tuple(
        failure(f"j-worker-{number}").model_copy(
            update={"reason": "ProcessDied", "uid": f"term-1-generation-{number}", "time": later}
        )
        for number in range(100)
    )
    status = record_failures(status, ended, HOUR, NOW + timedelta(seconds=5))
    assert (status.recoveries.count, status.recoveries.disruptions, status.recoveries.times) == (0, 100, [])


def test_the_end_of_a_pod_after_deaths_of_its_processes_is_recorded_and_not_counted_again() -> None:
    death = failure("j-worker-1").model_copy(update={"reason": "ProcessDied", "uid": "term-1-generation-3"})
    status = record_failures(JobStatus(), (death,), HOUR, NOW)
    status = record_failures(status, (failure("j-worker-1", 1, CRASH),), HOUR, NOW + timedelta(seconds=50))
    assert (status.recoveries.count, len(status.recoveries.times), len(status.recoveries.recent)) == (1, 1, 2)


def test_the_first_failure_is_kept_with_its_log() -> None:
    status = record_failures(JobStatus(), (failure("j-worker-0", 1, CRASH),), HOUR, NOW)
    status = record_failures(status, (failure("j-worker-1"),), HOUR, NOW)
    assert (status.first_failure.pod, status.first_failure.last_lines) == ("j-worker-0", ["a", "b"])
    assert [recent.last_lines for recent in status.recoveries.recent] == [[], []]


def test_bad_input_is_permanent_and_fails_the_job_with_the_pods_own_message() -> None:
    found = failure("j-prepare", 2, BAD_INPUT)
    assert permanent_failure((failure("j-worker-0", 1, CRASH), found)) is found
    plan = plan_job(snapshot(job(started()), pods=(failed_pod("j-prepare", 2, BAD_INPUT),)))
    assert conditions(plan.status)["Failed"].message == BAD_INPUT.message
    assert conditions(plan.status)["Failed"].reason == "BadInput"


def test_the_same_exit_code_of_a_users_program_is_not_permanent() -> None:
    assert permanent_failure((failure("j-worker-0", 2, CRASH),)) is None


def test_a_pod_on_a_lost_node_is_replaced_without_its_kubelet() -> None:
    here, away = pod("j-worker-0", node="node-2"), pod("j-worker-1")
    first = plan_job(snapshot(job(started(dataset=DATASET)), pods=(here, away), lost_nodes=NODE_1))
    assert first.status.first_failure.reason == "NodeLost"
    assert "node node-1 is not ready" in first.status.first_failure.message
    assert not first.delete
    second = plan_job(snapshot(job(first.status.document()), pods=(here, away), lost_nodes=NODE_1))
    assert [(reference.uid, reference.force) for reference in second.delete] == [(away.uid, True)]


def test_a_pod_whose_deletion_a_lost_node_cannot_finish_is_deleted_with_force() -> None:
    leaving = pod("j-worker-1", deleting=True)
    status = plan_job(snapshot(job(started(dataset=DATASET)), pods=(leaving,), lost_nodes=NODE_1)).status
    next_plan = plan_job(snapshot(job(status.document()), pods=(leaving,), lost_nodes=NODE_1))
    assert [(reference.name, reference.force) for reference in next_plan.delete] == [("j-worker-1", True)]


def test_a_training_that_diverged_is_a_permanent_failure_with_its_own_reason() -> None:
    diverged = TerminationMessage(reason="Diverged", message="the training diverged: the loss of step 50 is nan")
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=(failed_pod("j-worker-0", 3, diverged),)))
    failed = conditions(plan.status)["Failed"]
    assert (failed.reason, failed.message) == ("Diverged", diverged.message)
    program = TerminationMessage(reason="Crashed", message="train.py ended with exit code 3", exit_code=3)
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=(failed_pod("j-worker-0", 3, program),)))
    assert "Failed" not in conditions(plan.status)
