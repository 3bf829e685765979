"""A claim that is not bound is reported in the words of its provisioner."""

from datetime import timedelta

import pytest

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.volume_binding import report_unbound_claims
from llmtrain_operator.core.stage_plan import StagePlan
from unit.operator.builders import DATASET, conditions, job, pending_pod, snapshot, started

WARNING = 'ProvisioningFailed: storageclass.storage.k8s.io "nfs" not found'
PODS = tuple(pending_pod(f"j-{name}", role) for name, role in (("worker-0", "worker"), ("coordinator", "coordinator")))
UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims"


@pytest.mark.parametrize("scheduler", ["", UNBOUND], ids=["the scheduler says nothing", "the scheduler waits for it"])
def test_the_provisioners_words_are_in_the_condition(scheduler: str) -> None:
    pods = tuple(pending_pod(pod.name, pod.role, unschedulable=scheduler) for pod in PODS)
    claims = {"checkpoints": "", "datasets": WARNING}
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods, unbound_claims=claims))
    scheduled = conditions(plan.status)["Scheduled"]
    assert (scheduled.status, scheduled.reason) == ("False", "VolumePending")
    assert f"PersistentVolumeClaim datasets is not bound: {WARNING}; correct its StorageClass" in scheduled.message
    assert plan.requeue_after == timedelta(seconds=30)


def test_a_claim_without_a_warning_is_checked_again_and_not_reported() -> None:
    stage = report_unbound_claims(StagePlan(stage="Starting"), {"datasets": ""})
    assert stage == StagePlan(stage="Starting", requeue_after=timedelta(seconds=30))
    assert report_unbound_claims(StagePlan(stage="Starting"), {}) == StagePlan(stage="Starting")
