"""A suspended job stops its workers first, then everything but the volumes; resumed, it continues."""

from typing import Any

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.suspend import resumed_conditions, suspend
from unit.operator.builders import DATASET, ago, conditions, job, names, pod, snapshot, started

COORDINATOR = pod("j-coordinator", "coordinator")
POD_GROUP = {
    ("PodGroup", "j-gang"): {
        "apiVersion": "scheduling.k8s.io/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "j-gang", "namespace": "ns"},
    }
}
SUSPENDED = {"type": "Suspended", "status": "True", "reason": "Suspended", "message": "", "lastTransitionTime": ago(9)}


def suspended(**fields: Any) -> Plan:
    return plan_job(snapshot(job(started(dataset=DATASET), suspend=True), **fields))


def test_workers_stop_while_the_coordinator_still_runs() -> None:
    plan = suspended(pods=(pod("j-worker-0"), COORDINATOR), objects=POD_GROUP)
    assert [reference.name for reference in plan.delete] == ["j-worker-0"]
    assert conditions(plan.status)["Suspended"].status == "False"


def test_then_the_coordinator_and_the_objects_are_deleted() -> None:
    plan = suspended(pods=(COORDINATOR,), objects=POD_GROUP)
    assert [reference.name for reference in plan.delete] == ["j-coordinator", "j-gang"]


def test_then_the_job_is_suspended_and_the_message_names_the_field_to_resume_it() -> None:
    condition = conditions(suspended().status)["Suspended"]
    assert (condition.status, condition.reason) == ("True", "Suspended")
    assert "spec.suspend to false" in condition.message


def test_no_worker_is_counted_once_all_pods_have_stopped() -> None:
    status = JobStatus.model_validate(started(workers={"ready": 2, "active": 2}))
    stage = suspend(status, pods=(), objects={}, lost_nodes=frozenset())
    assert (stage.update["workers"].ready, stage.update["workers"].active) == (0, 0)
    assert stage.update["pool"] == "", "it can resume in another compute pool"
    assert suspend(status, pods=(COORDINATOR,), objects={}, lost_nodes=frozenset()).update == {}


def test_a_resumed_job_continues_where_it_was() -> None:
    plan = plan_job(snapshot(job(started(dataset=DATASET, conditions=[SUSPENDED]))))
    assert conditions(plan.status)["Suspended"].status == "False"
    assert "Pod j-worker-1" in names(plan.apply)
    assert "Pod j-prepare" not in names(plan.apply)


def test_only_a_job_that_was_suspended_is_resumed() -> None:
    before = JobStatus.model_validate(started(conditions=[SUSPENDED]))
    assert [update.reason for update in resumed_conditions(before, suspended=False)] == ["NotSuspended"]
    assert resumed_conditions(before, suspended=True) == ()
    assert resumed_conditions(JobStatus(), suspended=False) == ()


def test_a_suspended_job_is_not_degraded() -> None:
    degraded = {
        "type": "Degraded",
        "status": "True",
        "reason": "WorkersMissing",
        "message": "",
        "lastTransitionTime": ago(9),
    }
    status = JobStatus.model_validate({"conditions": [degraded]})
    found = {
        update.type: update.status for update in suspend(status, pods=(), objects={}, lost_nodes=frozenset()).conditions
    }
    assert found == {"Suspended": True, "Running": False, "Degraded": False}
