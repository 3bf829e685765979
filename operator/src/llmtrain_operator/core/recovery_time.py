"""When a recovery began, by the operator's clock: the failure budget must not depend on that of the coordinator's node.

A membership generation that the operator saw can have lost a member only after that, apart from the time until the next
generation began, which is a duration and so the same by any clock. A reported time before that, or in the future, is
that of a wrong clock: the recovery is taken to have ended just now.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from llmtrain_api.bounds import MAX_SECONDS, clamp_float
from llmtrain_api.job_status import JobStatus
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_api.timestamps import try_parse_rfc3339

MAX_GENERATIONS = 64
"""Newest generations of which it is remembered when the operator saw them."""


def with_generation(seen: Mapping[int, datetime], generation: int, now: datetime) -> dict[int, datetime]:
    """Return when each generation was seen last, with the present one. Newer ones are those of another term."""
    earlier = sorted(number for number in seen if number < generation)[1 - MAX_GENERATIONS :]
    return {number: seen[number] for number in earlier} | {generation: now}


def began(record: RecoveryRecord, status: JobStatus, seen: Mapping[int, datetime], now: datetime) -> datetime:
    """Return when a recovery that `status` does not record yet began.

    `seen` is when this operator saw each generation last, which it does not know of those before it started.
    """
    earliest = earliest_beginning(record, status, seen)
    reported = try_parse_rfc3339(record.time)
    if reported is not None and (earliest is None or earliest <= reported) and reported <= now:
        return reported
    estimate = now - seconds(record.rendezvous_seconds + record.restore_seconds + record.replay_seconds)
    return min(max(estimate, earliest), now) if earliest is not None else estimate


def earliest_beginning(record: RecoveryRecord, status: JobStatus, seen: Mapping[int, datetime]) -> datetime | None:
    """Return the instant before which a recovery cannot have begun; None if nothing is known about it."""
    before = max((number for number in seen if number <= record.generation), default=None)
    if before is not None:
        return seen[before] - seconds(record.rendezvous_seconds)
    last = status.recoveries.last
    return try_parse_rfc3339(last.time if last is not None else status.start_time)


def seconds(number: float) -> timedelta:
    """Return a reported duration."""
    return timedelta(seconds=clamp_float(number, MAX_SECONDS))
