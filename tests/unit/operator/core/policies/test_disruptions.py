"""A drain, a preemption or an eviction is recorded as what it is, and does not spend the failure budget."""

from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.disruptions import CAUSES, disruption_of, is_disrupted
from unit.operator.builders import DATASET, NOW, ago, conditions, failed_pod, job, names, pod, snapshot, started

DRAINED = {"disruption": "EvictionByEvictionAPI", "disruption_message": "Eviction API: evicting", "deleting": True}


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(pod("j-worker-0", **DRAINED), True, id="it is drained"),
        pytest.param(failed_pod("j-worker-0", disruption="TerminationByKubelet"), True, id="its node shut down"),
        pytest.param(pod("j-worker-0", disruption="PreemptionByScheduler"), False, id="it is only announced"),
        pytest.param(pod("j-worker-0", phase="Succeeded", **DRAINED), False, id="it has succeeded before"),
        pytest.param(pod("j-worker-0", deleting=True), False, id="it is deleted by hand"),
        pytest.param(failed_pod("j-worker-0"), False, id="it has failed"),
    ],
)
def test_which_pods_are_disrupted(view: PodView, expected: bool) -> None:
    assert is_disrupted(view) is expected


@pytest.mark.parametrize("reason", [*CAUSES, "Unheard"])
def test_the_record_names_the_cause(reason: str) -> None:
    found = disruption_of(pod("j-worker-1", disruption=reason, disruption_message="because"), NOW)
    assert (found.pod, found.node, found.reason, found.disruption) == ("j-worker-1", "node-1", reason, True)
    assert CAUSES.get(reason, "disrupted") in found.message
    assert "(because)" in found.message


def test_a_preemption_names_the_remedy() -> None:
    found = disruption_of(pod("j-worker-1", disruption="PreemptionByScheduler"), NOW)
    assert "spec.scheduling.priorityClassName" in found.message


def plan(*pods: PodView, status: dict[str, Any] | None = None, **fields: Any) -> Plan:
    the_job = job(status or started(dataset=DATASET), recovery={"maxFailures": 0})
    return plan_job(snapshot(the_job, pods=(*pods, pod("j-coordinator", "coordinator", node="n")), **fields))


def test_drained_pods_spend_no_budget_and_are_recorded_once() -> None:
    pods = (pod("j-worker-0", **DRAINED), pod("j-worker-1", **DRAINED))
    first = plan(*pods)
    after = first.status.recoveries
    assert (after.count, after.disruptions, after.times) == (0, 2, [])
    assert [(record.reason, record.disruption) for record in after.recent] == [("EvictionByEvictionAPI", True)] * 2
    assert (first.status.first_failure, first.delete) == (None, ())
    events = [(event.type, event.message) for event in first.events if event.reason == "PodDisrupted"]
    assert [type for type, _ in events] == ["Normal", "Normal"]
    assert "kubectl drain" in events[0][1]
    assert "Failed" not in conditions(first.status)
    second = plan(*pods, status=first.status.document())
    assert second.status is None or second.status.recoveries == after
    assert "PodDisrupted" not in [event.reason for event in second.events]


def test_a_drained_worker_is_replaced_at_once_however_often() -> None:
    recent = [
        disruption_of(pod("j-worker-1"), NOW).model_copy(update={"uid": str(age), "time": ago(age)})
        for age in (9, 5, 0)
    ]
    status = started(dataset=DATASET, recoveries={"recent": [record.document() for record in recent]})
    assert "Pod j-worker-1" in names(plan(pod("j-worker-0"), status=status).apply)


def test_a_pod_that_the_kubelet_ended_is_replaced_without_a_failure() -> None:
    ended = failed_pod("j-worker-1", 137, disruption="TerminationByKubelet", end_reason="Evicted")
    first = plan(pod("j-worker-0"), ended)
    assert (first.status.recoveries.count, first.status.recoveries.disruptions) == (0, 1)
    second = plan(pod("j-worker-0"), ended, status=first.status.document())
    assert [reference.uid for reference in second.delete] == [ended.uid]


def test_a_drained_pod_whose_node_is_lost_then_is_deleted_with_force_and_not_counted() -> None:
    drained = pod("j-worker-1", **DRAINED)
    status = plan(drained).status
    found = plan(drained, status=status.document(), lost_nodes=frozenset({"node-1"}))
    assert ("j-worker-1", True) in [(reference.name, reference.force) for reference in found.delete]
    recoveries = (found.status or JobStatus.model_validate(status.document())).recoveries
    assert [record.reason for record in recoveries.recent if record.pod == "j-worker-1"] == ["EvictionByEvictionAPI"]
