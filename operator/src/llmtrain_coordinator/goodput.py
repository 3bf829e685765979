"""What the seconds of a job went into while a coordinator sees it: read off the roster and the first rank's words.

A stretch of time is accounted for at its end, when it is known what it was; until then the account rests.

- Progress ends one: compiling, evaluating and checkpoints took what the first rank says, and the rest was steps, new
  ones or such that had been done before. The first progress of a generation ends the handover of the state too, which
  is of the same kind as the pause before that generation.
- A generation that begins ends such a pause: the job was starting, if it was the first; it recovered, if the one before
  broke; else it waited for whoever came or left as asked.
- While a generation is broken, or all members of one that ended in peace are through with their last step, the time
  goes into the pause as it passes. That since the last progress of a broken one is part of it: the step is lost.
- A program that tells no progress is taken to step while its generation runs.

A coordinator that takes a generation over counts only what its first rank says from then on: what it said before is in
the account that the operator kept. The time in between counts as steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmtrain_api.protocol import Progress, TimeSpent
from llmtrain_api.time_ledger import TimeCategory, TimeLedger
from llmtrain_coordinator.group import GroupState, Phase


@dataclass(frozen=True, kw_only=True)
class Goodput:
    """The account, and what it takes to go on with it."""

    account: TimeLedger | None = None
    """None until it is known when the job was born."""
    stale: bool = False
    """Whether the account ends before what a former coordinator told Prometheus, as the operator asks now and then."""
    no_progress: bool = False
    """Whether the job's program tells no progress."""
    max_step: int = 0
    """Steps done at the furthest: what comes below it again is done twice."""
    generation: int = 0
    """The newest generation that began here."""
    pause: TimeCategory = "starting"
    """What the time before that generation went into."""

    @property
    def counted(self) -> TimeLedger | None:
        """Return the account for counters, which must not fall: none while it lags."""
        return None if self.stale else self.account


def adopt(goodput: Goodput, account: TimeLedger | None, *, step: int = 0) -> Goodput:
    """Go on from the account and the steps done that the operator knows of, as far as they go further."""
    goodput = replace(goodput, max_step=max(goodput.max_step, step))
    known_ms = goodput.account.total_ms if goodput.account else -1
    if account is None or account.total_ms <= known_ms:
        return goodput
    return replace(goodput, account=account, stale=goodput.max_step > 0)


def on_group_change(goodput: Goodput, before: GroupState, after: GroupState, *, now_ms: int) -> Goodput:
    """Account for the time up to now, if it is known what it went into."""
    if after.progress is not None and after.progress is not before.progress:
        return _stepped(goodput, before.progress, after.progress, now_ms)
    if after.running and after.number > before.number and after.adopted_at_seconds is None:
        pause = _pause(goodput, before)
        return replace(_passed(goodput, now_ms, {}, pause), generation=after.number, pause=pause)
    if after.running:
        return _passed(goodput, now_ms, {}, "stepping") if goodput.no_progress else goodput
    if after.number == 0:
        return goodput  # nobody knows yet whether a former coordinator's generation runs; the operator accounts
    if after.broken:
        return _passed(goodput, now_ms, {}, "recovering")
    if after.members_in(Phase.REJOINING):
        return goodput  # their last step is yet to be told of
    return _passed(goodput, now_ms, {}, "waiting")


def _stepped(goodput: Goodput, before: Progress | None, told: Progress, now_ms: int) -> Goodput:
    handover = 0.0
    if before is not None and before.generation == told.generation:
        known = before.time_spent
    elif told.generation == goodput.generation:
        known, handover = TimeSpent(), told.generation_start.seconds if told.generation_start else 0.0
    else:
        known = told.time_spent
    parts: Mapping[TimeCategory, float] = {
        goodput.pause: handover,
        "compiling": told.time_spent.compiling - known.compiling,
        "evaluating": told.time_spent.evaluating - known.evaluating,
        "checkpoint": told.time_spent.checkpoint - known.checkpoint,
    }
    stepped = before is None or (before.generation, before.step) != (told.generation, told.step)
    again = stepped and told.step <= goodput.max_step
    goodput = _passed(goodput, now_ms, parts, "replaying" if again else "stepping")
    return replace(goodput, max_step=max(goodput.max_step, told.step))


def _pause(goodput: Goodput, before: GroupState) -> TimeCategory:
    """Return what the time before a generation goes into; one that is replaced in one go was broken."""
    if before.number == 0:
        return "recovering" if goodput.max_step else "starting"
    return "recovering" if before.broken or before.running else "waiting"


def _passed(goodput: Goodput, now_ms: int, parts: Mapping[TimeCategory, float], rest: TimeCategory) -> Goodput:
    if goodput.account is None:
        return goodput
    account = goodput.account.advance(now_ms, parts, rest)
    return replace(goodput, account=account, stale=goodput.stale and account == goodput.account)
