"""Every second of a job's life is of exactly one kind; goodput is the part in which it trained."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from llmtrain_api.model import Message

TimeCategory = Literal[
    "queued", "starting", "compiling", "stepping", "waiting", "recovering", "replaying", "checkpoint", "evaluating"
]
CATEGORIES: tuple[TimeCategory, ...] = get_args(TimeCategory)


class TimeLedger(Message):
    """The life of a job up to an instant, in milliseconds by kind. Whole numbers, so that sums are exact."""

    until_ms: Annotated[int, Field(ge=0)]
    """The instant, in milliseconds since 1970 of the clock of whoever keeps it."""
    ms: dict[TimeCategory, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)

    @property
    def total_ms(self) -> int:
        """Return the milliseconds accounted for."""
        return sum(self.ms.values())

    @property
    def goodput(self) -> float:
        """Return the part in which the job trained and did nothing twice."""
        return self.ms.get("stepping", 0) / self.total_ms if self.total_ms else 0.0

    def advance(self, until_ms: int, parts: Mapping[TimeCategory, float], rest: TimeCategory) -> "TimeLedger":
        """Return the account with the time until an instant added: `parts` of it in seconds, the `rest` of one kind.

        Parts that are more than the time there is are shortened in their order; a clock that went back adds nothing.
        """
        left, ms = max(0, until_ms - self.until_ms), dict(self.ms)
        for kind, seconds in parts.items():
            taken = min(left, round(seconds * 1000))
            if taken > 0:
                ms[kind], left = ms.get(kind, 0) + taken, left - taken
        if left:
            ms[rest] = ms.get(rest, 0) + left
        return TimeLedger(until_ms=max(until_ms, self.until_ms), ms=ms)


def new_ledger(at_ms: int) -> TimeLedger:
    """Return the account of a job at its birth."""
    return TimeLedger(until_ms=at_ms)
