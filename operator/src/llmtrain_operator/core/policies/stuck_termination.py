"""Stuck termination: a pod that does not end after its grace period keeps its name, and so its successor from starting."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from llmtrain_api.conditions import Reason
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.stage_plan import StagePlan, with_cause

CONFIRMATION = timedelta(seconds=30)
"""How long after the grace period a kubelet can need until it confirms the end of a pod."""


def report_stuck_pods(stage: StagePlan, pods: Iterable[PodView], now: datetime) -> StagePlan:
    """Return `stage` with the pod in its conditions that is stuck, and reconciled when the next one may be."""
    limits = [(pod.delete_by + CONFIRMATION, pod) for pod in pods if pod.delete_by is not None]
    stuck = sorted((limit, pod.name, pod) for limit, pod in limits if limit <= now)
    checks = [limit - now for limit, _ in limits if limit > now]
    times = [*checks, *([stage.requeue_after] if stage.requeue_after is not None else [])]
    stage = replace(stage, requeue_after=min(times, default=None))
    if not stuck:
        return stage
    _, _, first = stuck[0]
    text = stuck_message(first, others=len(stuck) - 1)
    conditions = tuple(with_cause(condition, Reason.STUCK_TERMINATING, text) for condition in stage.conditions)
    return replace(stage, conditions=conditions)


def stuck_message(pod: PodView, *, others: int) -> str:
    """Return which pod is stuck since when, why, and the remedy."""
    since = format_rfc3339(pod.delete_by) if pod.delete_by is not None else ""
    more = f" ({others} more pods are stuck too)" if others else ""
    if pod.finalizers:
        cause = f"its finalizers {', '.join(pod.finalizers)[:256]} keep it: repair the controllers that own them"
    else:
        cause = (
            f"node {pod.node or '(none)'} does not confirm its end: check the node, and if it is really down, "
            f"run `kubectl delete pod {pod.name} --force`"
        )
    return f"pod {pod.name} is terminating, and its grace period was over at {since}{more}; {cause}"
