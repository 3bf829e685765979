"""Restart back-off: a pod that fails again and again is created again after 1, 2, 4 … 60 seconds.

A checkpoint server that reboots, or a node that rejects every pod, would otherwise spend the failure budget in seconds.
The delays follow from the failures that the status records, so an operator that restarts continues them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from llmtrain_api.conditions import Reason
from llmtrain_api.failure_budget import MAX_DELAY_SECONDS, FailureBudget, restart_delay_seconds
from llmtrain_api.job_status import FailedPod
from llmtrain_api.timestamps import format_rfc3339, try_parse_rfc3339
from llmtrain_operator.core.stage_plan import StagePlan, with_cause


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A pod that must not be created again yet."""

    pod: str
    failures: int
    """How often it has failed in a row."""
    reason: str
    """Reason of its last failure."""
    time: datetime
    """When it is created again."""


def delayed_restarts(pods: Iterable[FailedPod], budget: FailureBudget, now: datetime) -> tuple[Restart, ...]:
    """Return the pods that must not be created again yet, by name; `pods` are those that have failed."""
    restarts = (
        Restart(
            pod=pod.pod,
            failures=pod.failures,
            reason=pod.reason,
            time=time + timedelta(seconds=restart_delay_seconds(pod.failures)),
        )
        for pod in sorted(pods, key=lambda pod: pod.pod)
        if (time := try_parse_rfc3339(pod.time)) is not None and budget.in_window((now - time).total_seconds())
    )
    # A time far ahead comes from another clock; it delays nothing for longer than the limit.
    limit = now + timedelta(seconds=MAX_DELAY_SECONDS)
    return tuple(restart for restart in restarts if now < restart.time <= limit)


def delay_restarts(
    stage: StagePlan,
    restarts: tuple[Restart, ...],
    *,
    existing: Collection[str],
    budget: FailureBudget,
    incidents: int,
    now: datetime,
) -> StagePlan:
    """Return `stage` without the pods that must not be created yet, and with a condition that says until when.

    `existing` are the names of the pods that exist; what is desired of them stays. `incidents` have been spent of `budget`.
    """
    names = {manifest["metadata"]["name"] for manifest in stage.desired if manifest["kind"] == "Pod"}
    delayed = [restart for restart in restarts if restart.pod in names and restart.pod not in existing]
    if not delayed:
        return stage
    pods = {restart.pod for restart in delayed}
    first = min(delayed, key=lambda restart: restart.time)
    text = backoff_message(first, others=len(delayed) - 1, budget=budget, incidents=incidents)
    times = [time for time in (stage.requeue_after, first.time - now) if time is not None]
    return replace(
        stage,
        desired=tuple(
            manifest
            for manifest in stage.desired
            if manifest["kind"] != "Pod" or manifest["metadata"]["name"] not in pods
        ),
        conditions=tuple(with_cause(condition, Reason.BACK_OFF, text) for condition in stage.conditions),
        requeue_after=min(times),
    )


def backoff_message(restart: Restart, *, others: int, budget: FailureBudget, incidents: int) -> str:
    """Return what waits, why, until when, how much of the failure budget is left, and the remedy."""
    more = f" ({others} more pods wait too)" if others else ""
    return (
        f"pod {restart.pod} has failed {restart.failures} times, less than {budget.window_seconds:.0f} s apart, at last with "
        f"{restart.reason or 'an unknown reason'}, and is created again at {format_rfc3339(restart.time)}{more}; "
        f"so far there were {budget.explain(incidents, 'incident')}: more than that fail the job; "
        "status.recoveries.recent has the errors: correct their cause"
    )
