"""Objects of a finished job are deleted before the job; volumes stay."""

from dataclasses import replace
from datetime import timedelta

import pytest

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.policies.cleanup import plan_cleanup
from unit.operator.builders import NOW, ago, failed_pod, job, pod, snapshot

SUCCEEDED = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "", "lastTransitionTime": ago(10)}
FAILED = {**SUCCEEDED, "type": "Failed", "reason": "TooManyFailures"}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "j-coordinator", "namespace": "ns", "uid": "uid-of-service"},
}
OBJECTS = {("Service", "j-coordinator"): SERVICE}


def test_pods_and_objects_are_deleted_before_the_job_and_volumes_stay() -> None:
    status = {"conditions": [SUCCEEDED], "finishTime": ago(100)}
    finished = snapshot(
        job(status, ttlSecondsAfterFinished=1),
        pods=(pod("j-worker-0", phase="Succeeded"),),
        objects=OBJECTS,
        claims={"datasets": {}},
    )
    assert [(reference.kind, reference.name) for reference in plan_job(finished).delete] == [
        ("Pod", "j-worker-0"),
        ("Service", "j-coordinator"),
    ]


def test_what_is_being_deleted_already_is_not_deleted_again() -> None:
    metadata = {**SERVICE["metadata"], "deletionTimestamp": ago(1)}
    objects = {("Service", "j-coordinator"): {**SERVICE, "metadata": metadata}}
    assert plan_cleanup((pod("j-worker-0", deleting=True),), objects, frozenset()) is None


@pytest.mark.parametrize(
    ("pod_cleanup", "end", "deleted"),
    [
        ("Always", SUCCEEDED, ["j-worker-0", "j-worker-1", "j-coordinator"]),
        ("Always", FAILED, ["j-worker-0", "j-worker-1", "j-coordinator"]),
        ("Succeeded", SUCCEEDED, ["j-worker-0", "j-worker-1", "j-coordinator"]),
        ("Succeeded", FAILED, ["j-coordinator"]),
        ("Never", SUCCEEDED, ["j-coordinator"]),
        ("Never", FAILED, ["j-coordinator"]),
    ],
)
def test_pods_that_have_ended_can_stay_and_those_that_run_are_stopped(
    pod_cleanup: str, end: dict[str, str], deleted: list[str]
) -> None:
    pods = (pod("j-worker-0", phase="Succeeded"), failed_pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    the_job = job({"conditions": [end], "finishTime": ago(100)}, podCleanup=pod_cleanup, ttlSecondsAfterFinished=1)
    plan = plan_job(snapshot(the_job, pods=pods))
    assert [reference.name for reference in plan.delete] == deleted
    kept = tuple(each for each in pods if each.name not in deleted)
    assert [reference.kind for reference in plan_job(snapshot(the_job, pods=kept)).delete] == ["LLMTrainingJob"]


def test_a_pod_that_has_ended_does_not_stay_while_a_sidecar_uses_its_node() -> None:
    ended = pod("j-worker-0", phase="Succeeded", occupies_node=False)
    assert plan_cleanup((ended,), {}, frozenset(), keep_ended=True) is None
    plan = plan_cleanup((replace(ended, occupies_node=True),), {}, frozenset(), keep_ended=True)
    assert plan is not None
    assert [reference.name for reference in plan.delete] == ["j-worker-0"]


def test_a_pod_on_a_lost_node_is_deleted_with_force() -> None:
    plan = plan_cleanup((pod("j-worker-0"),), {}, frozenset({"node-1"}))
    assert [reference.force for reference in plan.delete] == [True]


def test_a_deletion_that_a_lost_node_does_not_confirm_is_repeated_with_force() -> None:
    leaving = pod("j-worker-0", deleting=True)
    plan = plan_cleanup((leaving,), {}, frozenset({"node-1"}))
    assert [reference.force for reference in plan.delete] == [True]
    assert plan_cleanup((replace(leaving, finalizers=("example.org/backup",)),), {}, frozenset({"node-1"})) is None


def test_a_finished_job_is_reconciled_when_the_node_of_a_pod_may_be_lost() -> None:
    nodes = NodeStates(not_ready_since={"node-1": NOW - timedelta(seconds=30)}, known=9, not_ready=1)
    finished = snapshot(job({"conditions": [SUCCEEDED]}), pods=(pod("j-worker-0", deleting=True),), nodes=nodes)
    assert plan_job(finished).requeue_after == timedelta(seconds=10)
