"""Coordinator loss: a coordinator that no longer answers is replaced, long before its node counts as lost.

Workers that train need no coordinator, so a replacement costs them nothing; without one, the next failure would stop
them. The old coordinator may still run: its successor has a greater term, which fences it. Only a coordinator that has
answered before is replaced, since one that never did may be unreachable for the operator alone, such as by a
NetworkPolicy.
"""

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.plan import Event, ObjectReference, pod_references
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.node_loss import control_plane_unsure


def lost_coordinators(pods: tuple[PodView, ...], nodes: NodeStates, *, is_silent: bool) -> tuple[PodView, ...]:
    """Return the coordinator to replace; `is_silent` is whether it answered before and has stopped to.

    Nothing is replaced while the control plane is doubted: then the operator may be the one that is cut off.
    """
    if not is_silent or control_plane_unsure(nodes):
        return ()
    return tuple(pod for pod in pods if pod.role == "coordinator" and pod.running)


def replacements(coordinators: tuple[PodView, ...]) -> tuple[ObjectReference, ...]:
    """Return the references that delete them at once: no kubelet may be there to confirm it."""
    return pod_references(coordinators, frozenset(pod.node for pod in coordinators))


def loss_events(coordinators: tuple[PodView, ...]) -> tuple[Event, ...]:
    """Return an event for each coordinator that is replaced."""
    return tuple(
        Event(
            type="Warning",
            reason=Reason.COORDINATOR_LOST,
            message=f"{pod.name} on {pod.node or 'no node'} no longer answers and is replaced; training continues without it",
        )
        for pod in coordinators
    )
