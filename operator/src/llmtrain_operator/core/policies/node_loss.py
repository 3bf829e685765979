"""Node loss: since when a node counts as lost, and when so many are not ready that nothing is decided.

A restarted kubelet reports NotReady for a moment while its containers run on, and a control plane that loses its
connection reports most nodes as NotReady at once. Neither is a reason to kill pods that still train.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from llmtrain_api.conditions import Condition, JobCondition, Reason
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.stage_plan import ConditionUpdate

RECHECK_INTERVAL = timedelta(seconds=5)
"""When to look again at nodes that nothing could be decided about."""


def lost_nodes(nodes: NodeStates, *, node_seconds: int, now: datetime) -> frozenset[str]:
    """Return the nodes whose pods must be replaced: NotReady for `spec.recovery.nodeSeconds`, or absent."""
    if control_plane_unsure(nodes):
        return frozenset()
    limit = timedelta(seconds=node_seconds)
    return nodes.absent | {name for name, since in nodes.not_ready_since.items() if now - since >= limit}


def control_plane_unsure(nodes: NodeStates) -> bool:
    """Return whether more than half of the nodes are NotReady at once, which is rarely the nodes' own fault.

    If the only node is NotReady, there is also no other one to replace pods on.
    """
    return 2 * nodes.not_ready > nodes.known


def next_node_check(nodes: NodeStates, *, node_seconds: int, now: datetime) -> timedelta | None:
    """Return when a node of the job may become lost; None while all of them are ready, or lost already."""
    if control_plane_unsure(nodes):
        return RECHECK_INTERVAL if is_affected(nodes) else None
    limit = timedelta(seconds=node_seconds)
    remaining = [since + limit - now for since in nodes.not_ready_since.values() if since + limit > now]
    return min([*remaining, *([RECHECK_INTERVAL] if nodes.unknown else [])], default=None)


def is_affected(nodes: NodeStates) -> bool:
    """Return whether a pod of the job is bound to a node that is not ready or may be absent."""
    return bool(nodes.not_ready_since or nodes.absent or nodes.unknown)


def doubt_conditions(nodes: NodeStates) -> tuple[ConditionUpdate, ...]:
    """Return Degraded while the control plane is doubted; nothing for a job that is not affected."""
    if not (control_plane_unsure(nodes) and is_affected(nodes)):
        return ()
    text = (
        f"{nodes.not_ready} of {nodes.known} nodes are NotReady at once, more likely through a fault of the control "
        "plane or of the network than of so many nodes: no pod is deleted, and workers that still run keep training; "
        "check `kubectl get nodes`, the API server and the controller manager, and the network of the nodes"
    )
    return (_degraded(True, Reason.CONTROL_PLANE_UNSURE, text),)


def doubt_ended_conditions(nodes: NodeStates, conditions: Iterable[Condition]) -> tuple[ConditionUpdate, ...]:
    """Return the end of Degraded when the control plane is no longer doubted; `conditions` are those so far."""
    if control_plane_unsure(nodes) or not any(is_doubt(condition) for condition in conditions):
        return ()
    return (_degraded(False, Reason.NODES_READY, "most nodes are ready again"),)


def is_doubt(condition: Condition) -> bool:
    """Return whether a condition says that the control plane is doubted."""
    return condition.reason == Reason.CONTROL_PLANE_UNSURE and condition.status == "True"


def _degraded(status: bool, reason: Reason, message: str) -> ConditionUpdate:
    return ConditionUpdate(type=JobCondition.DEGRADED, status=status, reason=reason, message=message)
