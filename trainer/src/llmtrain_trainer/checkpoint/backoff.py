"""Back-off: how long reading from or writing to a volume that answers with an error is tried again.

A volume whose server restarts answers with EIO, ESTALE or ENOTCONN for a while. That it can't be read does not mean that
nothing is there.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 8.0
"""Pause after the first attempt, and the longest one: each is twice as long as the one before."""
PING_SECONDS = 1.0
"""Time between two pings of the watchdog during a pause."""


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Spaces attempts until a limit of time has passed."""

    limit_seconds: float = 60.0
    """No attempt starts later than this after the first one."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def attempts(self, ping_watchdog: Callable[[], None] = lambda: None) -> Iterator[float]:
        """Yield the seconds since the first attempt, once for each attempt, and pause between them."""
        started_at, pause = self.clock(), FIRST_PAUSE_SECONDS
        yield 0.0
        while (elapsed := self.clock() - started_at) + pause <= self.limit_seconds:
            self._pause(pause, ping_watchdog)
            yield elapsed + pause
            pause = min(MAX_PAUSE_SECONDS, 2 * pause)

    def _pause(self, seconds: float, ping_watchdog: Callable[[], None]) -> None:
        while seconds > 0:
            ping_watchdog()
            self.sleep(min(PING_SECONDS, seconds))
            seconds -= PING_SECONDS
