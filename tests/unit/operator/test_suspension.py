"""A suspended job stops its workers first, then everything else but the volumes."""

from llmtrain_operator.core.job import plan_job
from unit.operator.builders import DATASET, ago, conditions, job, observed, pod, started

COORDINATOR = pod("j-coordinator", "coordinator")
GROUP = {
    ("PodGroup", "j-gang"): {
        "apiVersion": "scheduling.k8s.io/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "j-gang"},
    }
}


def suspended(**fields):
    return plan_job(observed(job(started(dataset=DATASET), suspend=True), **fields))


def test_workers_are_stopped_while_the_coordinator_listens() -> None:
    plan = suspended(pods=(pod("j-worker-0"), COORDINATOR), objects=GROUP)
    assert [reference.name for reference in plan.delete] == ["j-worker-0"]
    assert conditions(plan.status)["Suspended"].status == "False"


def test_then_the_rest_goes() -> None:
    plan = suspended(pods=(COORDINATOR,), objects=GROUP)
    assert [reference.name for reference in plan.delete] == ["j-coordinator", "j-gang"]


def test_then_it_is_suspended_and_says_how_to_go_on() -> None:
    condition = conditions(suspended().status)["Suspended"]
    assert (condition.status, condition.reason) == ("True", "Suspended")
    assert "spec.suspend to false" in condition.message


def test_it_goes_on_where_it_was() -> None:
    before = {"type": "Suspended", "status": "True", "reason": "Suspended", "message": "", "lastTransitionTime": ago(9)}
    plan = plan_job(observed(job(started(dataset=DATASET, conditions=[before]))))
    assert conditions(plan.status)["Suspended"].status == "False"
    assert "j-worker-1" in [manifest["metadata"]["name"] for manifest in plan.apply]
    assert "j-prepare" not in [manifest["metadata"]["name"] for manifest in plan.apply]
