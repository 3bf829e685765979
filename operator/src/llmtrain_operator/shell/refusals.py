"""Requests that the API server refused, and when they are made again: after a back-off, or when something changes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.snapshot import Refusal

Facts = frozenset[tuple[str, object]]
"""What a refusal may depend on, by kind. When one of them no longer holds, the request is made again at once."""


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """How long to wait after a refusal: `base_seconds`, doubled with each further one up to `max_seconds`."""

    base_seconds: float
    max_seconds: float

    def seconds(self, refusals: int) -> float:
        """Return the time to wait after that many refusals in a row."""
        return min(self.base_seconds * 2.0 ** min(refusals - 1, 16), self.max_seconds)


REJECTED = BackOff(base_seconds=15.0, max_seconds=300.0)
NAMESAKE = BackOff(base_seconds=1.0, max_seconds=15.0)
"""For objects of an earlier job of the same name that still stop."""
MISSING_NAMESPACE = BackOff(base_seconds=30.0, max_seconds=30.0)


class RequestRefused(Exception):
    """The API server refused a request for one object of a plan."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(kw_only=True)
class RefusedRequest:
    """The last refusal, how often in a row there was one, and when the request is made again."""

    refusal: Refusal
    count: int = 0
    retry_at: float = 0.0
    facts: Facts = frozenset()


class Refusals:
    """The last refusal of one job or claim."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.last: RefusedRequest | None = None

    def record(self, refusal: Refusal, facts: Facts, back_off: BackOff | None = None) -> None:
        """Remember a refusal and what it may depend on."""
        count = self.last.count + 1 if self.last else 1
        back_off = back_off or (NAMESAKE if refusal.reason is Reason.WAITING else REJECTED)
        retry_at = self.clock() + back_off.seconds(count)
        self.last = RefusedRequest(refusal=refusal, count=count, retry_at=retry_at, facts=facts)

    def pending(self, facts: Facts) -> Refusal | None:
        """Return the refusal with the time until the request is made again: at once if one of its facts has changed."""
        if self.last is None:
            return None
        if self.last.facts - facts:
            self.last.retry_at = self.clock()
        self.last.facts = facts
        return replace(self.last.refusal, retry_after=timedelta(seconds=self.last.retry_at - self.clock()))

    def discard(self) -> None:
        """Forget the refusal: the request succeeded, or is no longer needed."""
        self.last = None
