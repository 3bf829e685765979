"""Throughput in tokens per second, and which steps are logged."""

from collections import deque

WINDOW_STEPS = 10
"""Steps over which throughput is averaged."""
LOGGED_STEPS = 100
"""About how many steps of a job are logged."""
MAX_LOG_GAP_SECONDS = 5.0


class ThroughputMeter:
    """Measures throughput over the last few steps. Times are seconds on one monotonic clock."""

    def __init__(self, *, steps: int, now: float) -> None:
        self._steps = steps
        self._step_ends: deque[float] = deque([now], maxlen=WINDOW_STEPS + 1)
        self._tokens: deque[int] = deque(maxlen=WINDOW_STEPS)
        self._logged_at: float | None = None

    def after_step(self, now: float, tokens: int) -> None:
        """Record that a step of `tokens` tokens ended at `now`."""
        self._step_ends.append(now)
        self._tokens.append(tokens)

    @property
    def tokens_per_second(self) -> float:
        """Throughput of all ranks together, over the last few steps."""
        seconds = self._step_ends[-1] - self._step_ends[0]
        return sum(self._tokens) / seconds if seconds > 0 else 0.0

    def should_log(self, step: int, now: float) -> bool:
        """Return whether to log `step` (steps done): about 100 in all, the first and the last, no long gaps."""
        overdue = self._logged_at is None or now - self._logged_at >= MAX_LOG_GAP_SECONDS
        if overdue or step == self._steps or step % max(1, self._steps // LOGGED_STEPS) == 0:
            self._logged_at = now
            return True
        return False
