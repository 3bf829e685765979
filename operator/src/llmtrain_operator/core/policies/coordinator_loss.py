"""Coordinator loss: a coordinator that no longer answers is replaced, long before its node counts as lost.

Workers that train need no coordinator, so a replacement costs them nothing; without one, the next failure would stop
them. The old coordinator may still run: its successor has a greater term, which fences it.

It may also be the operator that is cut off, such as by a NetworkPolicy, and then a replacement does not help. So only a
coordinator is replaced that has answered, or whose node is NotReady, as an operator finds it that starts after a node
took its predecessor along; only a few times within the window of `spec.recovery`, and none while all others are silent
too. What remains silent is reported by `coordinator_unreachable.py`.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from llmtrain_api.conditions import Reason
from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure
from llmtrain_api.timestamps import format_rfc3339, try_parse_rfc3339
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.plan import Event, ObjectReference, pod_references
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.node_loss import control_plane_unsure
from llmtrain_operator.core.snapshot import Silence

LOST_AFTER, LOST_POLLS = timedelta(seconds=5), 2
"""How long a coordinator that answered must be silent to count as lost, and questions that it must leave unanswered."""
MAX_REPLACEMENTS = 3
"""Lost coordinators that are replaced within the window of `spec.recovery`."""
SUSPECT_FOR = timedelta(minutes=5)
"""How long the node of a lost coordinator is avoided: by then its state is known, and the scheduler knows it too."""
COORDINATOR_LOST = str(Reason.COORDINATOR_LOST)


def lost_coordinators(
    pods: tuple[PodView, ...],
    nodes: NodeStates,
    silence: Silence | None,
    *,
    recent: Iterable[Failure],
    budget: FailureBudget,
    now: datetime,
) -> tuple[PodView, ...]:
    """Return the coordinator to replace; `recent` are the newest records of the status.

    Nothing is replaced while the control plane is doubted: then the operator may be the one that is cut off.
    """
    if silence is None or control_plane_unsure(nodes):
        return ()
    running = (pod for pod in pods if pod.role == "coordinator" and pod.running)
    found = tuple(pod for pod in running if is_lost(silence, node_ready=pod.node not in nodes.not_ready_since))
    replaced = replacements_in_window(recent, budget, now) - {pod.uid for pod in found}
    return found if len(replaced) < MAX_REPLACEMENTS else ()


def is_lost(silence: Silence, *, node_ready: bool) -> bool:
    """Return whether a coordinator has stopped to answer, or cannot because of its node, and not all others with it."""
    is_long = silence.duration >= LOST_AFTER and silence.unanswered >= LOST_POLLS
    expected = silence.has_answered or not node_ready
    return expected and is_long and not silence.is_common and not silence.is_refusal


def replacements_in_window(recent: Iterable[Failure], budget: FailureBudget, now: datetime) -> set[str]:
    """Return the uids of the lost coordinators that were replaced within the window."""
    times = {record.uid: try_parse_rfc3339(record.time) for record in recent if record.reason == COORDINATOR_LOST}
    return {uid for uid, time in times.items() if time and budget.in_window((now - time).total_seconds())}


def loss_records(coordinators: Iterable[PodView], known_uids: Collection[str], now: datetime) -> tuple[Failure, ...]:
    """Return the records of lost coordinators whose uids are not known yet; they spend no failure budget."""
    return tuple(
        Failure(
            pod=pod.name,
            uid=pod.uid,
            node=pod.node,
            time=format_rfc3339(now),
            reason=COORDINATOR_LOST,
            message="it no longer answered the operator, and was replaced",
            disruption=True,
        )
        for pod in coordinators
        if pod.uid not in known_uids
    )


def suspect_nodes(recent: Iterable[Failure], now: datetime) -> tuple[str, ...]:
    """Return the nodes that a coordinator was lost on lately: the API server may report a dead one as ready."""
    records = (record for record in recent if record.reason == COORDINATOR_LOST and record.node)
    times = ((record.node, try_parse_rfc3339(record.time)) for record in records)
    return tuple(sorted({node for node, time in times if time and abs(now - time) < SUSPECT_FOR}))


def replacements(coordinators: tuple[PodView, ...]) -> tuple[ObjectReference, ...]:
    """Return the references that delete them at once: no kubelet may be there to confirm it."""
    return pod_references(coordinators, frozenset(pod.node for pod in coordinators))


def loss_events(records: Iterable[Failure]) -> tuple[Event, ...]:
    """Return an event for each coordinator that is replaced."""
    return tuple(
        Event(
            type="Warning",
            reason=Reason.COORDINATOR_LOST,
            message=f"{record.pod} on {record.node or 'no node'} no longer answers and is replaced; training continues without it",
        )
        for record in records
    )
