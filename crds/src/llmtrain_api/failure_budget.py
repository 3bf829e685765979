"""The failure budget of a job: how many failures it tolerates within a sliding window, and how fast it tries again.

The operator and local mode apply the same rule, `spec.recovery`. In a cluster one cause often fails many pods, so the
operator counts incidents; local mode, which is one machine, counts each failure. Standard library only.
"""

from dataclasses import dataclass

MAX_DELAY_SECONDS = 60
"""Limit of the delay before a restart."""


def restart_delay_seconds(failures: int) -> int:
    """Return the delay after a number of failures in a row: none after the first, then 1 s, doubled with each further one."""
    return 0 if failures <= 1 else min(MAX_DELAY_SECONDS, 2 ** min(failures - 2, 16))


@dataclass(frozen=True, kw_only=True)
class FailureBudget:
    """At most `max_failures` failures within `window_seconds`; one more fails the job."""

    max_failures: int
    """`spec.recovery.maxFailures`."""
    window_seconds: float
    """`spec.recovery.windowSeconds`."""

    def in_window(self, age_seconds: float) -> bool:
        """Return whether a failure that happened `age_seconds` ago still counts.

        One that is as far ahead has the time of another clock: it would never stop to count.
        """
        return abs(age_seconds) < self.window_seconds

    def is_exceeded(self, failures: int) -> bool:
        """Return whether `failures` within the window are more than the job tolerates."""
        return failures > self.max_failures

    def explain(self, failures: int, unit: str = "failure") -> str:
        """Return the sentence for a budget of which `failures` are used: "4 failures within 600 s, …"."""
        plural = "" if failures == 1 else "s"
        return (
            f"{failures} {unit}{plural} within {self.window_seconds:.0f} s, "
            f"and spec.recovery.maxFailures is {self.max_failures}"
        )
