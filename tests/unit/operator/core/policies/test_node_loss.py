"""A node is lost when it has been NotReady for long enough, and never while most nodes are NotReady at once."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.conditions import Condition
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.node_loss import (
    control_plane_unsure,
    doubt_conditions,
    doubt_ended_conditions,
    lost_nodes,
    next_node_check,
)
from unit.operator.builders import DATASET, NOW, ago, conditions, coordinator_status, job, pod, snapshot, started


def states(*seconds: float, not_ready: int | None = None, known: int = 100, **fields: Any) -> NodeStates:
    """Return nodes n0, n1, … that have been NotReady for `seconds`."""
    since = {f"n{number}": NOW - timedelta(seconds=age) for number, age in enumerate(seconds)}
    count = len(seconds) if not_ready is None else not_ready
    return NodeStates(not_ready_since=since, not_ready=count, known=known, **fields)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param(states(), set(), id="all nodes are ready"),
        pytest.param(states(39.9), set(), id="a kubelet that restarts"),
        pytest.param(states(40), {"n0"}, id="nodeSeconds have passed"),
        pytest.param(states(-3600), set(), id="a node whose clock is ahead"),
        pytest.param(states(absent=frozenset({"gone"})), {"gone"}, id="a node that the API server does not know"),
        pytest.param(states(unknown=frozenset({"new"})), set(), id="a node that nothing is known about"),
        pytest.param(states(90, 90, 90, not_ready=11, known=16), set(), id="most nodes are NotReady at once"),
        pytest.param(states(90, known=1), set(), id="the only node is NotReady"),
        pytest.param(
            states(not_ready=3, known=4, absent=frozenset({"gone"})),
            set(),
            id="and then an absent node is not lost either",
        ),
    ],
)
def test_lost_nodes(nodes: NodeStates, expected: set[str]) -> None:
    assert lost_nodes(nodes, node_seconds=40, now=NOW) == expected


@pytest.mark.parametrize(
    ("not_ready", "known", "expected"),
    [
        pytest.param(1, 1, True, id="the only node"),
        pytest.param(1, 2, False, id="one of two"),
        pytest.param(2, 4, False, id="just half of them"),
        pytest.param(2, 3, True, id="more than half"),
        pytest.param(2, 2, True, id="all"),
        pytest.param(0, 0, False, id="no node is known"),
    ],
)
def test_the_control_plane_is_doubted_when_most_nodes_are_not_ready(not_ready: int, known: int, expected: bool) -> None:
    assert control_plane_unsure(NodeStates(not_ready=not_ready, known=known)) is expected


@pytest.mark.parametrize(
    ("nodes", "seconds"),
    [
        pytest.param(states(), None, id="all nodes are ready"),
        pytest.param(states(10, 30), 10, id="when the first one will be lost"),
        pytest.param(states(50), None, id="never for one that is lost already"),
        pytest.param(states(unknown=frozenset({"new"})), 5, id="soon for a node that must be asked for again"),
        pytest.param(states(10, not_ready=2, known=2), 5, id="soon while the control plane is doubted"),
        pytest.param(states(not_ready=2, known=2), None, id="not for a job that has no pod on such nodes"),
    ],
)
def test_when_the_nodes_are_checked_again(nodes: NodeStates, seconds: float | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert next_node_check(nodes, node_seconds=40, now=NOW) == expected


def test_the_doubt_is_a_condition_with_numbers_and_remedy() -> None:
    (found,) = doubt_conditions(states(5, not_ready=11, known=16))
    assert (found.type, found.status, found.reason) == ("Degraded", True, "ControlPlaneUnsure")
    assert "11 of 16 nodes are NotReady at once" in found.message
    assert "check `kubectl get nodes`" in found.message
    assert doubt_conditions(states(not_ready=11, known=16)) == (), "a job on other nodes is not affected"


def test_the_doubt_ends_with_its_cause() -> None:
    doubt = Condition(
        type="Degraded", status="True", reason="ControlPlaneUnsure", message="", last_transition_time=ago(9)
    )
    (found,) = doubt_ended_conditions(states(), (doubt,))
    assert (found.status, found.reason) == (False, "NodesReady")
    assert doubt_ended_conditions(states(5, not_ready=11, known=16), (doubt,)) == ()
    assert doubt_ended_conditions(states(), ()) == ()


SIXTEEN = (
    *(pod(f"j-worker-{number}", node=f"n{number}") for number in range(16)),
    pod("j-coordinator", "coordinator", node="ok"),
)


def plan(nodes: NodeStates, lost_nodes: frozenset[str] = frozenset(), **status: Any) -> Plan:
    the_job = job(
        started(dataset=DATASET, stage="Training", **status),
        workers={"replicas": 16},
        training={"steps": 100, "microbatches": 16},
    )
    return plan_job(
        snapshot(the_job, pods=SIXTEEN, nodes=nodes, lost_nodes=lost_nodes, coordinator=coordinator_status(desired=16))
    )


def test_eleven_of_sixteen_nodes_that_are_not_ready_at_once_leave_the_job_alone() -> None:
    nodes = states(*[300] * 11, not_ready=11, known=17)
    found = plan(nodes, lost_nodes(nodes, node_seconds=40, now=NOW))
    assert found.status.stage == "Training"
    assert found.status.recoveries.count == 0
    assert found.delete == ()
    assert conditions(found.status)["Degraded"].reason == "ControlPlaneUnsure"
    assert [event.type for event in found.events if event.reason == "ControlPlaneUnsure"] == ["Warning"]
    second = plan(nodes, conditions=[c.model_dump() for c in found.status.conditions])
    assert conditions(second.status)["Degraded"] == conditions(found.status)["Degraded"]


def test_a_job_is_looked_at_again_when_a_node_may_be_lost() -> None:
    found = plan(states(38))
    assert found.delete == ()
    assert found.requeue_after == timedelta(seconds=2)
    preparing = snapshot(job(started()), pods=(pod("j-prepare", "prepare", node="n0"),), nodes=states(30))
    assert plan_job(preparing).requeue_after == timedelta(seconds=10)
