"""How fast the training goes, and which steps are worth a log line."""

from collections import deque

RECENT_STEPS = 10
LINES_IN_ALL = 100
LONGEST_SILENCE_SECONDS = 5.0


class ThroughputMeter:
    """Knows when the last few steps ended. Times are seconds of any one clock."""

    def __init__(self, *, steps: int, now: float) -> None:
        self._steps = steps
        self._ends: deque[float] = deque([now], maxlen=RECENT_STEPS + 1)
        self._tokens: deque[int] = deque(maxlen=RECENT_STEPS)
        self._logged: float | None = None

    def after_step(self, now: float, tokens: int) -> None:
        """Note that a step with so many tokens ended at `now`."""
        self._ends.append(now)
        self._tokens.append(tokens)

    @property
    def tokens_per_second(self) -> float:
        """Of all ranks together, over the last few steps."""
        seconds = self._ends[-1] - self._ends[0]
        return sum(self._tokens) / seconds if seconds > 0 else 0.0

    def should_log(self, step: int, now: float) -> bool:
        """Return whether `step` (steps done) gets a line: about 100 in all, the first and last, none silent for long."""
        due = self._logged is None or now - self._logged >= LONGEST_SILENCE_SECONDS
        if due or step == self._steps or step % max(1, self._steps // LINES_IN_ALL) == 0:
            self._logged = now
            return True
        return False
