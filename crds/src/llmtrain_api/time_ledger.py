"""The time ledger: every second of a job's lifetime in exactly one category. Goodput is the fraction spent on new steps."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field

from llmtrain_api.bounds import Milliseconds
from llmtrain_api.model import Message

TimeCategory = Literal[
    "queued", "starting", "compiling", "stepping", "waiting", "recovering", "replaying", "checkpoint", "evaluating"
]
CATEGORIES: tuple[TimeCategory, ...] = get_args(TimeCategory)


class TimeLedger(Message):
    """A job's lifetime up to an instant, in milliseconds by category. Integers, so that sums are exact."""

    until_ms: Milliseconds
    """The instant, in milliseconds since 1970 by the clock of the program that keeps the ledger."""
    ms: dict[TimeCategory, Milliseconds] = Field(default_factory=dict)

    @property
    def total_ms(self) -> int:
        """Return the milliseconds accounted for."""
        return sum(self.ms.values())

    @property
    def goodput(self) -> float:
        """Return the fraction of the lifetime spent on training steps, replays excluded; 0 for an empty ledger."""
        return self.ms.get("stepping", 0) / self.total_ms if self.total_ms else 0.0

    def advance(
        self, until_ms: int, seconds_by_category: Mapping[TimeCategory, float], remainder: TimeCategory
    ) -> "TimeLedger":
        """Return the ledger with the time up to `until_ms` added.

        `seconds_by_category` are accounted in their order, as far as there is time; what is left goes to `remainder`.
        A clock that went backwards adds nothing.
        """
        left, ms = max(0, until_ms - self.until_ms), dict(self.ms)
        for category, seconds in seconds_by_category.items():
            taken = min(left, round(seconds * 1000))
            if taken > 0:
                ms[category], left = ms.get(category, 0) + taken, left - taken
        if left:
            ms[remainder] = ms.get(remainder, 0) + left
        return TimeLedger(until_ms=max(until_ms, self.until_ms), ms=ms)


def new_ledger(at_ms: int) -> TimeLedger:
    """Return the empty ledger of a job created at `at_ms` (milliseconds since 1970)."""
    return TimeLedger(until_ms=at_ms)
