"""Jobs use only the PriorityClasses and tolerations that their LLMCluster allows."""

from typing import Any

import pytest

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import Reason
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.allowed import not_allowed
from unit.operator.builders import CLUSTER, DATASET, conditions, job, names, pod, snapshot, started

TEAM = {"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}
ANY_TEAM = {"key": "team", "operator": "Exists"}
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}
GPU = {"key": "nvidia.com/gpu", "operator": "Exists"}
SPOT = {"key": "spot", "operator": "Exists"}


def cluster(allowed: Any = None, tenant: Any = None) -> ClusterSpec:
    tenants = [
        {"namespace": "ns", "allowed": tenant or {}},
        {"namespace": "other", "allowed": {"priorityClasses": ["x"]}},
    ]
    pools = [{"name": "spot", "tolerations": [SPOT]}]
    spec = {**CLUSTER.document(), "computePools": pools, "tenants": tenants, "allowed": allowed or {}}
    return ClusterSpec.model_validate(spec)


def reason(spec: dict[str, Any], found: ClusterSpec | None) -> Reason | None:
    blocker = not_allowed(job(**spec), found)
    return blocker.reason if blocker else None


def priority(name: str) -> dict[str, Any]:
    return {"scheduling": {"priorityClassName": name}}


def tolerating(*tolerations: dict[str, str]) -> dict[str, Any]:
    return {"workers": {"tolerations": list(tolerations)}}


LOW: dict[str, Any] = {"priorityClasses": ["low"]}
ONLY_TEAM_A: dict[str, Any] = {"tolerations": [TEAM]}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        pytest.param({}, cluster({"priorityClasses": [], "tolerations": []}), id="nothing special"),
        pytest.param(priority("high"), cluster(), id="a PriorityClass without a list"),
        pytest.param(priority("low"), cluster(LOW), id="a PriorityClass in the list"),
        pytest.param(priority("high"), cluster(LOW, {"priorityClasses": ["high"]}), id="one of the tenant"),
        pytest.param(
            priority("system-node-critical"), cluster({"priorityClasses": ["system-node-critical"]}), id="listed"
        ),
        pytest.param(tolerating(TEAM, ANY_TEAM), cluster(), id="a toleration without a list"),
        pytest.param(tolerating(TEAM), cluster(ONLY_TEAM_A), id="a toleration in the list"),
        pytest.param(tolerating(TEAM), cluster({"tolerations": [ANY_TEAM]}), id="a narrower one than in the list"),
        pytest.param(tolerating(GPU, SPOT), cluster({"tolerations": []}), id="taints of its pools"),
        pytest.param(priority("system-node-critical"), None, id="an LLMCluster that does not exist"),
    ],
)
def test_allowed(spec: dict[str, Any], found: ClusterSpec | None) -> None:
    assert reason(spec, found) is None


@pytest.mark.parametrize(
    ("spec", "found", "expected"),
    [
        pytest.param(
            priority("system-node-critical"), cluster(), Reason.PRIORITY_CLASS_NOT_ALLOWED, id="of Kubernetes"
        ),
        pytest.param(priority("high"), cluster(LOW), Reason.PRIORITY_CLASS_NOT_ALLOWED, id="another PriorityClass"),
        pytest.param(
            priority("low"), cluster({"priorityClasses": []}), Reason.PRIORITY_CLASS_NOT_ALLOWED, id="an empty list"
        ),
        pytest.param(priority("x"), cluster(LOW), Reason.PRIORITY_CLASS_NOT_ALLOWED, id="one of another tenant"),
        pytest.param(
            priority("high"), cluster(None, LOW), Reason.PRIORITY_CLASS_NOT_ALLOWED, id="not in the list of the tenant"
        ),
        pytest.param(tolerating(CONTROL_PLANE), cluster(), Reason.TOLERATION_NOT_ALLOWED, id="the control plane"),
        pytest.param(
            tolerating(TEAM, ANY_TEAM), cluster(ONLY_TEAM_A), Reason.TOLERATION_NOT_ALLOWED, id="wider than in the list"
        ),
        pytest.param(
            tolerating(TEAM), cluster({"tolerations": []}), Reason.TOLERATION_NOT_ALLOWED, id="no tolerations"
        ),
    ],
)
def test_not_allowed(spec: dict[str, Any], found: ClusterSpec, expected: Reason) -> None:
    assert reason(spec, found) is expected


def test_the_message_names_the_field_what_is_allowed_and_the_remedy() -> None:
    blocker = not_allowed(job(**priority("high")), cluster(LOW))
    assert blocker is not None
    for text in ("spec.scheduling.priorityClassName", "'high'", "allowed PriorityClasses: low", "spec.allowed"):
        assert text in blocker.message


def test_a_job_that_is_not_allowed_waits_without_pods() -> None:
    plan = plan_job(snapshot(job(**priority("high")), cluster=cluster(LOW)))
    assert plan.apply == ()
    assert plan.status.stage == "Waiting"


def test_a_running_job_that_is_changed_to_what_is_not_allowed_gets_no_new_pods() -> None:
    running = (pod("j-worker-0"), pod("j-coordinator", "coordinator"))
    changed = job(started(dataset=DATASET, stage="Training", pool="spot"), **priority("high"))
    plan = plan_job(snapshot(changed, cluster=cluster(LOW), pods=running))
    assert names(plan.apply) == []
    assert plan.delete == ()
    assert conditions(plan.status)["Scheduled"].reason == "PriorityClassNotAllowed"
    allowed = plan_job(snapshot(changed, cluster=cluster(), pods=running))
    assert "Pod j-worker-1" in names(allowed.apply)
