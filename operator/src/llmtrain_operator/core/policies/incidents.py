"""Incidents: failures with one cause spend the failure budget once.

A switch that fails takes many nodes with it, and a node takes many pods. Such failures are one incident if they are
close in time, or of one node, or of one membership generation. A worker that fails again later on the same node, or
before the next generation, is another incident, and so is what fails long after the beginning of one; otherwise a crash
loop would never exceed the budget.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.timestamps import format_rfc3339, try_parse_rfc3339

INCIDENT = timedelta(seconds=30)
"""Failures within this time of the beginning of an incident belong to it."""
MAX_INCIDENT = timedelta(minutes=10)
"""How long after the beginning of an incident failures of its nodes or its generation belong to it."""
CONSEQUENCE = timedelta(seconds=60)
"""How long after the death of a process its pod ends because of it: the window in which a supervisor counts deaths."""
CLOCK_SKEW = timedelta(seconds=5)
"""How much the clocks of coordinator and operator can differ."""
MAX_INCIDENTS = 1001
"""Times that `status.recoveries.times` keeps; the largest budget is one less."""
PROCESS_DIED = "ProcessDied"
"""Reason of a failure of a trainer process whose pod still runs."""
NODE_LOST = "NodeLost"
"""Reason of the failure of a pod that was lost with its node."""


def incidents_in_window(times: Iterable[str], budget: FailureBudget, now: datetime) -> list[str]:
    """Return the beginnings of those incidents that still count."""
    return [
        time
        for time in times
        if (began := try_parse_rfc3339(time)) is not None and budget.in_window((now - began).total_seconds())
    ]


def has_new_incident(before: JobStatus, status: JobStatus) -> bool:
    """Return whether `status` records an incident that `before` does not: only then is the budget judged."""
    return bool(set(status.recoveries.times) - set(before.recoveries.times))


def with_incidents(
    times: Sequence[str],
    earlier: Iterable[Failure],
    failures: Iterable[Failure],
    budget: FailureBudget,
    now: datetime,
    *,
    failed_at: Mapping[str, str | None] | None = None,
) -> list[str]:
    """Return the beginnings of the incidents within the window, in order, with those of `failures` added.

    `earlier` are the newest failures recorded so far, `failed_at` when each pod failed last before. Failures that follow
    from others must not be among `failures`.
    """
    began = {time: instant for time in incidents_in_window(times, budget, now) if (instant := try_parse_rfc3339(time))}
    failed = (failure for failure in earlier if failure.counts)
    before = [failure for failure in failed if incidents_in_window([failure.time], budget, now)]
    last = {pod: instant for pod, time in (failed_at or {}).items() if (instant := try_parse_rfc3339(time))}
    for failure in sorted(failures, key=lambda failure: instant_of(failure, now)):
        if not belongs_to_incident(failure, began.values(), before, now, last.get(failure.pod)):
            instant = instant_of(failure, now)
            began[format_rfc3339(instant)] = instant
        before.append(failure)
    return sorted(incidents_in_window(began, budget, now))[-MAX_INCIDENTS:]


def belongs_to_incident(
    failure: Failure, began: Collection[datetime], before: Collection[Failure], now: datetime, last: datetime | None
) -> bool:
    """Return whether a failure is part of an incident that has begun.

    `before` are the newest failures so far, `last` is when the pod of this one failed before: they may not contain that.
    """
    at = instant_of(failure, now)
    if any(abs(at - start) < INCIDENT for start in began):
        return True
    related = [other for other in before if has_same_node(failure, other) or has_same_generation(failure, other)]
    if not related or any(other.pod == failure.pod for other in related):
        return False
    newest = max(instant_of(other, now) for other in related)
    start = max((start for start in began if start <= newest), default=newest - MAX_INCIDENT)
    return at - start < MAX_INCIDENT and (last is None or last < start)


def has_same_node(failure: Failure, other: Failure) -> bool:
    """Return whether two failures happened on one node."""
    return failure.node != "" and failure.node == other.node


def has_same_generation(failure: Failure, other: Failure) -> bool:
    """Return whether one membership generation lost both; generation 0 is none."""
    return failure.membership_generation > 0 and (failure.term, failure.membership_generation) == (
        other.term,
        other.membership_generation,
    )


def is_consequence(failure: Failure, others: Iterable[Failure], now: datetime) -> bool:
    """Return whether a failure is the end of a pod after deaths of its processes, or the other way round.

    The coordinator reports the death of a process when training continues, so the pod's end can be known before it. Of
    a pod that is drained, preempted or evicted, the processes die after that was recorded.
    """
    if failure.reason == NODE_LOST:
        return False
    is_process = failure.reason == PROCESS_DIED
    for other in others:
        if other.pod != failure.pod or (other.reason == PROCESS_DIED) is is_process or other.reason == NODE_LOST:
            continue
        death, end = (failure, other) if is_process else (other, failure)
        earliest = -CONSEQUENCE if other.disruption else -CLOCK_SKEW
        if earliest <= instant_of(end, now) - instant_of(death, now) <= CONSEQUENCE:
            return True
    return False


def instant_of(failure: Failure, now: datetime) -> datetime:
    """Return when a failure was observed; `now` if its time cannot be read."""
    return try_parse_rfc3339(failure.time) or now
