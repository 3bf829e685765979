"""A coordinator that no longer answers is replaced at once, unless the operator itself may be cut off."""

import pytest

from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.policies.coordinator_loss import loss_events, lost_coordinators, replacements
from unit.operator.builders import pending_pod, pod

COORDINATOR = pod("j-coordinator", "coordinator")
PODS = (pod("j-worker-0"), COORDINATOR)
ALL_READY = NodeStates(known=4)


def test_a_lost_coordinator_is_deleted_without_waiting_for_its_kubelet() -> None:
    (coordinator,) = lost_coordinators(PODS, ALL_READY, is_silent=True)
    (reference,) = replacements((coordinator,))
    assert (reference.name, reference.uid, reference.force) == ("j-coordinator", COORDINATOR.uid, True)
    (event,) = loss_events((coordinator,))
    assert event.message.startswith("j-coordinator on node-1 no longer answers")


@pytest.mark.parametrize(
    ("pods", "nodes", "is_silent"),
    [
        pytest.param(PODS, ALL_READY, False, id="it answers"),
        pytest.param(PODS, NodeStates(known=4, not_ready=3), True, id="the control plane is doubted"),
        pytest.param(
            (pending_pod("j-coordinator", "coordinator"),), ALL_READY, True, id="its successor starts already"
        ),
    ],
)
def test_nothing_is_replaced(pods: tuple, nodes: NodeStates, is_silent: bool) -> None:
    assert lost_coordinators(pods, nodes, is_silent=is_silent) == ()
