"""Deadline: a job fails `activeDeadlineSeconds` after its start; the time during which it is suspended does not count."""

from datetime import datetime, timedelta
from typing import Any

from llmtrain_api.conditions import JobCondition
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.timestamps import format_rfc3339, try_parse_rfc3339

MAX_SUSPENDED_SECONDS = 100 * 365 * 86400
"""The longest suspension that is read from a status."""


def remaining_deadline(spec: JobSpec, status: JobStatus, now: datetime) -> timedelta | None:
    """Return the time until the deadline, negative when it has passed.

    None without a deadline, before the start, and while the job is suspended.
    """
    started = try_parse_rfc3339(status.start_time)
    if spec.active_deadline_seconds is None or started is None or spec.suspend:
        return None
    return started + timedelta(seconds=spec.active_deadline_seconds) + suspended_for(status, now) - now


def deadline_exceeded(spec: JobSpec, status: JobStatus, now: datetime) -> bool:
    """Return whether the deadline has passed."""
    remaining = remaining_deadline(spec, status, now)
    return remaining is not None and remaining <= timedelta(0)


def suspended_for(status: JobStatus, now: datetime) -> timedelta:
    """Return how long the job has been suspended since its start, all suspensions together."""
    since = try_parse_rfc3339(status.suspend_time)
    ongoing = now - since if since is not None else timedelta(0)
    return timedelta(seconds=min(status.suspended_seconds, MAX_SUSPENDED_SECONDS)) + max(ongoing, timedelta(0))


def suspension_fields(spec: JobSpec, status: JobStatus, now: datetime) -> dict[str, Any]:
    """Return the fields of the status that a suspension after the start, or its end, changes."""
    if status.start_time is None:
        return {}
    if spec.suspend and status.suspend_time is None:
        return {"suspend_time": suspended_since(status) or format_rfc3339(now)}
    if not spec.suspend and status.suspend_time is not None:
        seconds = round(suspended_for(status, now).total_seconds())
        return {"suspend_time": None, "suspended_seconds": seconds}
    return {}


def suspended_since(status: JobStatus) -> str | None:
    """Return since when the condition Suspended is True; None if it is not. Older versions wrote nothing else."""
    return next(
        (
            condition.last_transition_time
            for condition in status.conditions
            if condition.type == JobCondition.SUSPENDED and condition.status == "True"
        ),
        None,
    )
