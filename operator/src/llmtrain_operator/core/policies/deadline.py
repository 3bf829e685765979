"""Deadline: a job fails when `activeDeadlineSeconds` have passed since its start."""

from datetime import datetime, timedelta

from llmtrain_api.job import JobSpec
from llmtrain_api.timestamps import parse_rfc3339


def remaining_deadline(spec: JobSpec, start_time: str | None, now: datetime) -> timedelta | None:
    """Return the time until the deadline, negative when it has passed; None without a deadline or before the start."""
    if spec.active_deadline_seconds is None or start_time is None:
        return None
    return parse_rfc3339(start_time) + timedelta(seconds=spec.active_deadline_seconds) - now


def deadline_exceeded(spec: JobSpec, start_time: str | None, now: datetime) -> bool:
    """Return whether the deadline has passed."""
    remaining = remaining_deadline(spec, start_time, now)
    return remaining is not None and remaining <= timedelta(0)
