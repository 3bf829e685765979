"""A coordinator that no longer answers is replaced at once, a few times, unless the operator itself may be cut off."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, Recoveries
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.policies.coordinator_loss import (
    is_lost,
    lost_coordinators,
    replacements,
    suspect_nodes,
)
from llmtrain_operator.core.snapshot import Silence
from unit.operator.builders import DATASET, NOW, ago, job, pending_pod, pod, snapshot, started

COORDINATOR = pod("j-coordinator", "coordinator")
PODS = (pod("j-worker-0"), pod("j-worker-1"), COORDINATOR)
ALL_READY = NodeStates(known=4)
BUDGET = FailureBudget(max_failures=10, window_seconds=3600)
SILENCE = Silence(since=NOW - timedelta(seconds=6), duration=timedelta(seconds=6), unanswered=2, has_answered=True)


NEVER_ANSWERED = replace(SILENCE, has_answered=False)
ONE_NOT_READY = NodeStates(not_ready_since={"node-1": NOW - timedelta(seconds=9)}, known=4, not_ready=1)


def record(number: int, seconds_ago: float = 60) -> Failure:
    return Failure(
        pod="j-coordinator", uid=f"uid-{number}", time=ago(seconds_ago), reason="CoordinatorLost", disruption=True
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, True, id="it answered, and stopped to"),
        pytest.param({"has_answered": False}, False, id="it never answered"),
        pytest.param({"unanswered": 1}, False, id="one question may be lost on the way"),
        pytest.param({"duration": timedelta(seconds=4)}, False, id="a moment's silence"),
        pytest.param({"is_common": True}, False, id="the operator may be cut off"),
        pytest.param({"is_refusal": True}, False, id="it answers, and accepts no token"),
    ],
)
def test_which_silence_is_a_loss(fields: dict[str, Any], expected: bool) -> None:
    assert is_lost(replace(SILENCE, **fields), node_ready=True) is expected


@pytest.mark.parametrize("fields", [{}, {"has_answered": False}])
def test_on_a_node_that_is_not_ready_a_coordinator_is_lost_even_if_it_never_answered_this_operator(
    fields: dict[str, Any],
) -> None:
    """The operator's predecessor may have been on the same node."""
    assert is_lost(replace(SILENCE, **fields), node_ready=False)
    assert not is_lost(replace(SILENCE, unanswered=1, **fields), node_ready=False)


def replaced_of(
    pods: tuple = PODS, nodes: NodeStates = ALL_READY, silence: Silence | None = SILENCE, recent: Any = ()
) -> tuple:
    return lost_coordinators(pods, nodes, silence, recent=recent, budget=BUDGET, now=NOW)


def test_a_lost_coordinator_is_deleted_without_waiting_for_its_kubelet() -> None:
    (coordinator,) = replaced_of()
    (reference,) = replacements((coordinator,))
    assert (reference.name, reference.uid, reference.force) == ("j-coordinator", COORDINATOR.uid, True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(replaced_of(silence=None), 0, id="it answers"),
        pytest.param(replaced_of(nodes=NodeStates(known=4, not_ready=3)), 0, id="the control plane is doubted"),
        pytest.param(replaced_of(silence=NEVER_ANSWERED), 0, id="it never answered, on a node that is ready"),
        pytest.param(
            replaced_of(silence=NEVER_ANSWERED, nodes=ONE_NOT_READY), 1, id="it never answered, on one that is not"
        ),
        pytest.param(
            replaced_of(pods=(pending_pod("j-coordinator", "coordinator"),)), 0, id="its successor starts already"
        ),
        pytest.param(replaced_of(recent=[record(1), record(2)]), 1, id="two were replaced before"),
        pytest.param(replaced_of(recent=[record(1), record(2), record(3)]), 0, id="three were replaced before"),
        pytest.param(
            replaced_of(recent=[record(1), record(2), record(3, 4000)]), 1, id="one of three was replaced long before"
        ),
    ],
)
def test_how_often_a_coordinator_is_replaced(found: tuple, expected: int) -> None:
    assert len(found) == expected


def test_the_node_of_a_lost_coordinator_is_avoided_for_some_minutes() -> None:
    on_a, on_b, long_ago = record(1), record(2), record(3, 301)
    records = [
        on_a.model_copy(update={"node": "a"}),
        on_b.model_copy(update={"node": "b"}),
        long_ago.model_copy(update={"node": "c"}),
        Failure(pod="j-worker-0", uid="w", time=ago(1), reason="Evicted", node="d"),
        record(4),
    ]
    assert suspect_nodes(records, NOW) == ("a", "b")


def test_the_successor_of_a_lost_coordinator_prefers_other_nodes() -> None:
    lost_there = record(1).model_copy(update={"node": "a"})
    recoveries = Recoveries(recent=[lost_there])
    the_job = job(started(dataset=DATASET, stage="Training", recoveries=recoveries))
    plan = plan_job(snapshot(the_job, pods=PODS[:2]))
    (manifest,) = (each for each in plan.apply if (each["kind"], each["metadata"]["name"]) == ("Pod", "j-coordinator"))
    (term,) = manifest["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["preference"]["matchFields"] == [{"key": "metadata.name", "operator": "NotIn", "values": ["a"]}]


def test_a_loss_is_recorded_before_the_pod_is_deleted_and_reported_once() -> None:
    the_job = job(started(dataset=DATASET, stage="Training"))
    plan = plan_job(snapshot(the_job, pods=PODS, silence=SILENCE))
    (kept,) = plan.status.recoveries.recent
    assert (kept.uid, kept.reason, kept.disruption) == (COORDINATOR.uid, "CoordinatorLost", True)
    assert (plan.status.recoveries.count, plan.status.recoveries.times, plan.status.first_failure) == (0, [], None)
    assert [reference.name for reference in plan.delete] == ["j-coordinator"]
    assert [event.reason for event in plan.events].count("CoordinatorLost") == 1
    repeated = plan_job(snapshot(job(plan.status.document()), pods=PODS, silence=SILENCE))
    assert [reference.name for reference in repeated.delete] == ["j-coordinator"], "the first deletion may have failed"
    assert repeated.status is None
    assert "CoordinatorLost" not in [event.reason for event in repeated.events]
