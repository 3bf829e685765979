"""The condition Updated lists pods that were created before a change of the spec."""

from dataclasses import replace
from typing import Any

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.objects.pod_settings import settings_annotation
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.outdated_pods import updated_conditions
from unit.operator.builders import DATASET, ago, conditions, job, pod, snapshot, started

OLD = job(workers={"replicas": 2, "env": [{"name": "A", "value": "1"}]}).spec
NEW = job(workers={"replicas": 2, "env": [{"name": "A", "value": "2"}]}).spec


def created(name: str, role: str = "worker", **fields: Any) -> PodView:
    """Return a pod that was created with the old spec."""
    view = pod(name, role, **fields)
    metadata = {**view.manifest["metadata"], "annotations": settings_annotation(OLD, role)}
    return replace(view, manifest={**view.manifest, "metadata": metadata})


PODS = (created("j-worker-0"), created("j-worker-1"), created("j-coordinator", "coordinator"))


def test_pods_with_the_current_spec_need_no_condition() -> None:
    assert updated_conditions(OLD, JobStatus(), PODS) == ()


def test_pods_with_an_old_value_are_listed_with_the_field_and_the_remedy() -> None:
    (condition,) = updated_conditions(NEW, JobStatus(), PODS)
    assert (condition.type, condition.status, condition.reason) == ("Updated", False, "OutdatedPods")
    assert condition.message.startswith("pod j-worker-0 and 1 more were created before spec.workers.env changed")
    assert "suspend and resume the job, or delete these pods" in condition.message


def test_a_value_that_was_removed_is_a_change() -> None:
    (condition,) = updated_conditions(job().spec, JobStatus(), PODS[:1])
    assert condition.message.startswith("pod j-worker-0 was created before spec.workers.env changed")


def test_pods_that_end_anyway_and_pods_of_an_older_operator_are_not_outdated() -> None:
    pods = (created("j-worker-0", phase="Succeeded"), created("j-worker-1", deleting=True), pod("j-worker-2"))
    assert updated_conditions(NEW, JobStatus(), pods) == ()


def test_the_condition_becomes_true_when_all_pods_have_been_replaced() -> None:
    before = {
        "type": "Updated",
        "status": "False",
        "reason": "OutdatedPods",
        "message": "",
        "lastTransitionTime": ago(9),
    }
    status = JobStatus.model_validate({"conditions": [before]})
    (condition,) = updated_conditions(OLD, status, PODS)
    assert (condition.status, condition.reason) == (True, "AllPodsUpdated")


def test_a_job_reports_it_and_its_pods_stay() -> None:
    the_job = replace(job(started(dataset=DATASET, stage="Training")), spec=NEW)
    plan = plan_job(snapshot(the_job, pods=PODS))
    assert conditions(plan.status)["Updated"].status == "False"
    assert plan.delete == ()
    assert not [manifest for manifest in plan.apply if manifest["kind"] == "Pod" and "spec" in manifest]
