"""Incidents: failures with one cause spend the failure budget once.

A switch that fails takes many nodes with it, and a node takes many pods. Such failures are one incident if they are
close in time, or of one node, or of one membership generation. A worker that fails again later on the same node, or
before the next generation, is another incident; otherwise a crash loop would never exceed the budget.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.timestamps import format_rfc3339, try_parse_rfc3339

INCIDENT = timedelta(seconds=30)
"""Failures within this time of the beginning of an incident belong to it."""
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
    times: Sequence[str], earlier: Iterable[Failure], failures: Iterable[Failure], budget: FailureBudget, now: datetime
) -> list[str]:
    """Return the beginnings of the incidents within the window, in order, with those of `failures` added.

    `earlier` are the newest failures recorded so far. Failures that follow from others must not be among `failures`.
    """
    began = incidents_in_window(times, budget, now)
    failed = (failure for failure in earlier if failure.counts)
    before = [failure for failure in failed if incidents_in_window([failure.time], budget, now)]
    for failure in sorted(failures, key=lambda failure: instant_of(failure, now)):
        if not belongs_to_incident(failure, began, before, now):
            began.append(format_rfc3339(instant_of(failure, now)))
        before.append(failure)
    return sorted(incidents_in_window(began, budget, now))[-MAX_INCIDENTS:]


def belongs_to_incident(failure: Failure, began: Iterable[str], before: Collection[Failure], now: datetime) -> bool:
    """Return whether a failure is part of an incident that has begun; `before` are the failures so far."""
    at = instant_of(failure, now)
    if any(abs(at - start) < INCIDENT for time in began if (start := try_parse_rfc3339(time)) is not None):
        return True
    related = [other for other in before if has_same_node(failure, other) or has_same_generation(failure, other)]
    return bool(related) and all(other.pod != failure.pod for other in related)


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
