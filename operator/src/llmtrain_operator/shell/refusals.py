"""Requests that the API server refused, and when they are made again: after a back-off, or when something changes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.snapshot import Refusal
from llmtrain_operator.shell.retry_pace import RetryPace

Facts = frozenset[tuple[str, object]]
"""What a refusal may depend on, by kind. When one of them no longer holds, the request is made again soon."""


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """How long to wait after a refusal: `base_seconds`, doubled with each further one up to `max_seconds`."""

    base_seconds: float
    max_seconds: float

    def seconds(self, refusals: int) -> float:
        """Return the time to wait after that many refusals in a row."""
        return min(self.base_seconds * 2.0 ** min(refusals - 1, 16), self.max_seconds)


PACED_FROM = 3
"""Refusals in a row from which on a rejected creation waits for its turn among all of them."""
MIN_DELAY = 1.0
MAX_CHANGE_DELAY = 8.0
"""How long a change of its facts waits at least and at most, the more often a request was refused."""
REJECTED = BackOff(base_seconds=15.0, max_seconds=300.0)
TRANSIENT = BackOff(base_seconds=0.5, max_seconds=60.0)
"""For problems of the API server or its webhooks; nothing says when they end."""
REPORTED_AFTER = 2
"""Refusals in a row for such a problem after which it is reported."""
NAMESAKE = BackOff(base_seconds=1.0, max_seconds=15.0)
"""For objects of an earlier job of the same name that still stop."""
MISSING_NAMESPACE = BackOff(base_seconds=30.0, max_seconds=300.0)


def back_off_for(refusal: Refusal) -> BackOff:
    """Return how long to wait after a refusal of a job's request."""
    if refusal.is_transient:
        return TRANSIENT
    return NAMESAKE if refusal.reason is Reason.WAITING else REJECTED


class RequestRefused(Exception):
    """The API server refused requests for objects of a plan."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals)[:2000])
        self.refusals = refusals


@dataclass(kw_only=True)
class RefusedRequest:
    """The last refusal, how often in a row there was one, and when the request is made again."""

    refusal: Refusal
    count: int = 0
    refused_at: float = 0.0
    retry_at: float = 0.0
    facts: Facts = frozenset()


class Refusals:
    """The last refusal of one request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, pace: RetryPace | None = None) -> None:
        self.clock, self.pace = clock, pace or RetryPace(clock)
        self.last: RefusedRequest | None = None

    def record(self, refusal: Refusal, facts: Facts, back_off: BackOff | None = None, *, waiting: int = 0) -> None:
        """Remember a refusal and what it may depend on; `waiting` is how many jobs, or claims, wait because of one."""
        count = self.last.count + 1 if self.last else 1
        back_off = back_off or back_off_for(refusal)
        now = self.clock()
        asked = refusal.retry_after.total_seconds() if refusal.retry_after else 0.0
        seconds = back_off.seconds(count)
        if count >= PACED_FROM and refusal.verb == "create" and back_off in (REJECTED, MISSING_NAMESPACE):
            seconds = self.pace.delay(seconds, waiting=waiting)
        retry_at = now + max(asked, seconds)
        self.last = RefusedRequest(refusal=refusal, count=count, refused_at=now, retry_at=retry_at, facts=facts)

    def pending(self, facts: Facts) -> Refusal | None:
        """Return the refusal with the time until the request is made again: soon if one of its facts has changed."""
        if self.last is None:
            return None
        if self.last.facts - facts:
            delay = min(MIN_DELAY * 2.0 ** min(self.last.count - 1, 16), MAX_CHANGE_DELAY)
            self.last.retry_at = min(self.last.retry_at, self.last.refused_at + delay)
        self.last.facts = facts
        return replace(
            self.last.refusal,
            retry_after=timedelta(seconds=self.last.retry_at - self.clock()),
            is_reported=not self.last.refusal.is_transient or self.last.count >= REPORTED_AFTER,
        )

    def discard(self) -> None:
        """Forget the refusal: the request succeeded, or is no longer needed."""
        self.last = None
