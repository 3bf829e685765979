"""Events of a job: each change is reported once."""

from llmtrain_api.conditions import Condition
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_operator.core.events import condition_events, failure_events, repair_events
from unit.operator.builders import ago


def status(*conditions: tuple[str, str, str]) -> JobStatus:
    return JobStatus(
        conditions=[
            Condition(type=type, status=status, reason=reason, message="why", last_transition_time=ago(1))
            for type, status, reason in conditions
        ]
    )


def test_a_condition_that_becomes_true_is_an_event_once() -> None:
    after = status(("Running", "True", "Training"))
    (event,) = condition_events(JobStatus(), after)
    assert (event.type, event.reason, event.message) == ("Normal", "Training", "why")
    assert condition_events(after, after) == ()


def test_a_false_condition_is_an_event_only_for_a_reason_that_is_a_warning() -> None:
    (event,) = condition_events(JobStatus(), status(("Scheduled", "False", "Unschedulable")))
    assert (event.type, event.reason) == ("Warning", "Unschedulable")
    assert condition_events(JobStatus(), status(("Scheduled", "False", "Waiting"))) == ()


def test_two_conditions_with_one_reason_and_message_are_one_event() -> None:
    after = status(("Scheduled", "False", "Unschedulable"), ("Running", "False", "Unschedulable"))
    assert len(condition_events(JobStatus(), after)) == 1


def test_an_object_that_existed_and_is_applied_again_was_repaired() -> None:
    service = {"kind": "Service", "metadata": {"name": "s"}}
    (event,) = repair_events([service], {("Service", "s"): service})
    assert event.reason == "ChildRepaired"
    assert event.message.startswith("Service s was changed outside of the job")
    assert repair_events([service], {}) == ()


def test_a_pod_group_that_follows_the_replicas_is_no_repair() -> None:
    group = {"kind": "PodGroup", "metadata": {"name": "g"}}
    assert repair_events([group], {("PodGroup", "g"): group}) == ()


def test_a_failure_is_reported_with_node_reason_and_exit_code() -> None:
    failure = Failure(pod="p", uid="u", node="n", time=ago(1), exit_code=139, reason="Crashed", message="SIGSEGV")
    (event,) = failure_events([failure])
    assert (event.type, event.reason) == ("Warning", "WorkerFailed")
    assert event.message == "pod p on n ended with Crashed (exit code 139): SIGSEGV"
    (event,) = failure_events([failure.model_copy(update={"exit_code": None, "node": ""})])
    assert event.message == "pod p on no node ended with Crashed (exit code unknown): SIGSEGV"


def test_many_failures_with_one_reason_are_one_event_with_their_number() -> None:
    drained = [
        Failure(pod=f"j-worker-{n}", uid=str(n), node="n", time=ago(1), reason="PodDeleted", disruption=True)
        for n in range(100)
    ]
    crashed = Failure(pod="j-worker-100", uid="c", time=ago(1), reason="Crashed", message="boom")
    many, single = failure_events([*drained, crashed])
    assert (many.type, many.reason) == ("Normal", "PodDisrupted")
    assert many.message.startswith("100 pods are removed by PodDeleted at once (j-worker-0 on n, j-worker-1 on n,")
    assert "and 97 more" in many.message
    assert (single.type, single.reason) == ("Warning", "WorkerFailed")
    assert "boom" in single.message
    assert len(failure_events(drained[:8])) == 8
