"""How often coordinators are asked when there are many: their intervals are stretched alike, so that asking stays cheap."""

from collections.abc import Hashable

POLLS_PER_SECOND = 40.0
"""Questions a second to all coordinators together: figures of 1,000 jobs that are written every 30 s need 33.

Each takes about a millisecond of the operator's CPU time.
"""


class PollRate:
    """The interval that each coordinator is to be asked at, and what the sum of all of them allows."""

    def __init__(self, limit: float = POLLS_PER_SECOND) -> None:
        self.limit = limit
        """Questions a second to all coordinators together."""
        self.intervals: dict[Hashable, float] = {}
        self.demand = 0.0
        """Questions a second that all intervals together ask for."""

    def put(self, key: Hashable, interval_seconds: float) -> None:
        """Note the interval of one coordinator; 0 if it is not asked regularly."""
        if self.intervals.get(key, 0.0) == interval_seconds:
            return
        self.discard(key)
        if interval_seconds > 0.0:
            self.intervals[key] = interval_seconds
            self.demand += 1.0 / interval_seconds

    def discard(self, key: Hashable) -> None:
        """Forget a coordinator."""
        interval = self.intervals.pop(key, 0.0)
        if interval > 0.0:
            self.demand -= 1.0 / interval
        if not self.intervals:
            self.demand = 0.0  # without what rounding has left

    def stretched(self, seconds: float) -> float:
        """Return a time between two questions to one coordinator, stretched if all together would ask too often."""
        return seconds * max(1.0, self.demand / self.limit)
