"""What the stages share: conditions of their pods, claims and the run config."""

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.stage_plan import ConditionUpdate
from llmtrain_operator.core.stages.pods import pod_conditions, shared_objects
from unit.operator.builders import CLUSTER, job, names, pending_pod, pod


def found(*pods: PodView, is_running: bool | None = None) -> tuple[ConditionUpdate, ...]:
    return pod_conditions(
        job().spec, pods, desired=2, reason=Reason.RECOVERING, message="recovers", is_running=is_running
    )


def test_claims_of_storage_pools_and_the_run_config_are_created_where_they_are_missing() -> None:
    assert names(shared_objects(job(), CLUSTER, claims=(), objects=(), coordinator_from=None)) == [
        "PersistentVolumeClaim datasets",
        "PersistentVolumeClaim checkpoints",
        "ConfigMap j-run",
    ]
    existing = shared_objects(
        job(), CLUSTER, claims=("datasets", "checkpoints"), objects=(("ConfigMap", "j-run"),), coordinator_from=None
    )
    assert existing == ()


def test_one_volume_for_two_purposes_is_one_claim() -> None:
    the_job = job(checkpoint={"volume": "datasets"})
    assert names(shared_objects(the_job, CLUSTER, claims=(), objects=(), coordinator_from=None))[:-1] == [
        "PersistentVolumeClaim datasets"
    ]


def test_without_a_cluster_only_the_run_config_is_created() -> None:
    assert names(shared_objects(job(), None, claims=(), objects=(), coordinator_from=None)) == ["ConfigMap j-run"]


def test_a_cause_that_the_scheduler_reports_is_in_both_conditions() -> None:
    scheduled, running = found(pod("j-worker-0"), pending_pod("j-worker-1", unschedulable="Insufficient cpu"))
    assert (scheduled.status, scheduled.reason) == (False, Reason.UNSCHEDULABLE)
    assert (running.status, running.reason, running.message) == (False, Reason.UNSCHEDULABLE, scheduled.message)


def test_pods_without_a_node_wait() -> None:
    scheduled, running = found(pod("j-worker-0"))
    assert (scheduled.reason, scheduled.message) == (Reason.WAITING, "1 of 2 pods have a node")
    assert running.reason == Reason.WAITING
    assert found(pod("j-worker-0"), is_running=False)[1].reason == Reason.RECOVERING


def test_a_stage_can_run_although_some_of_its_pods_have_no_node() -> None:
    scheduled, running = found(
        pod("j-worker-0"), pending_pod("j-worker-1", unschedulable="Insufficient cpu"), is_running=True
    )
    assert (scheduled.status, scheduled.reason) == (False, Reason.UNSCHEDULABLE)
    assert (running.status, running.reason, running.message) == (True, Reason.RECOVERING, "recovers")
    assert found(pod("j-worker-0"), is_running=True)[1].status


def test_a_pod_that_is_being_deleted_holds_no_place() -> None:
    scheduled, _ = found(pod("j-worker-0"), pod("j-worker-1", deleting=True))
    assert (scheduled.status, scheduled.message) == (False, "1 of 2 pods have a node")


def test_pods_with_a_node_are_scheduled_and_run_once_none_is_pending() -> None:
    scheduled, running = found(pod("j-worker-0"), pod("j-worker-1"))
    assert (scheduled.status, scheduled.message) == (True, "all pods have a node")
    assert (running.status, running.reason, running.message) == (True, Reason.RECOVERING, "recovers")
    assert not found(pod("j-worker-0"), pod("j-worker-1", phase="Pending"))[1].status
    assert not found(pod("j-worker-0"), pod("j-worker-1"), is_running=False)[1].status
