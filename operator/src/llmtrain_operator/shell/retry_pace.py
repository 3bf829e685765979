"""How often requests that are refused again and again are made: all together, not each by itself.

Each job waits longer after each refusal. Even so, a thousand of them that were refused at the same time would try again at
the same time.
"""

import time
from collections.abc import Callable

SECONDS_PER_REFUSAL = 4.0
"""Least time between two requests that are made again, of all jobs and claims together, in the long run."""


class RetryPace:
    """Gives each request that is made again a time of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.last = -float("inf")
        """The time that was given last."""

    def delay(self, seconds: float, *, waiting: int) -> float:
        """Return how long a request waits that should wait `seconds`: until its turn among `waiting` ones, at most.

        So times that were given to requests which are not needed any more delay no other one.
        """
        earliest = self.clock() + seconds
        turn = min(self.last + SECONDS_PER_REFUSAL, earliest + SECONDS_PER_REFUSAL * waiting)
        self.last = max(earliest, turn)
        return self.last - self.clock()
