"""Scrapes: how long a coordinator whose job has been trained waits to be scraped once more.

Prometheus reads the metrics at an interval, so those of the last steps are lost with a process that ends before the next
scrape: its history then ends some steps before the end of the training.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

MAX_WAIT_SECONDS = 55.0
"""Less than the grace period that the operator gives to the coordinator of a trained job."""


@dataclass(frozen=True, kw_only=True)
class Scrapes:
    """The newest three scrapes. Two servers of Prometheus may scrape in turns, so two intervals are looked at."""

    times: tuple[float, ...] = ()
    """When they were, by a monotonic clock in seconds, the newest last."""

    def scraped(self, now_seconds: float) -> Self:
        """Return the scrapes with one more."""
        return replace(self, times=(*self.times, now_seconds)[-3:])

    def wait_seconds(self, now_seconds: float) -> float:
        """Return how long the next scrape is worth waiting for: twice the interval, 0 if it is not known."""
        intervals = [later - earlier for earlier, later in pairwise(self.times)]
        if not intervals:
            return 0.0
        return min(MAX_WAIT_SECONDS, max(0.0, self.times[-1] + 2 * max(intervals) - now_seconds))
