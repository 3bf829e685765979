"""What the seconds of a job went into while this coordinator saw it: read off the roster and the first rank's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from llmtrain_api.goodput import Account, Kind
from llmtrain_api.membership import Progress, Spent
from llmtrain_coordinator.roster import Roster


@dataclass(frozen=True, kw_only=True)
class Goodput:
    """The account, and how far it has taken in what the first rank told."""

    account: Account | None = None
    """None until it is known when the job was born."""
    unseen: bool = False
    """Whether the job's program tells no progress: while its generation runs, it is taken to step."""
    most_steps: int = 0
    """Steps done at the furthest: what comes below it again is done twice."""
    generation: int = 0
    spent: Spent = field(default_factory=Spent)
    """What the first rank of that generation had told of."""


def live(goodput: Goodput, before: Roster, after: Roster, *, now_ms: int) -> Goodput:
    """Account for the time up to now, if it is known what it went into: at progress, and when a generation changes."""
    account = goodput.account
    if account is None:
        return goodput
    told = after.progress if after.progress is not before.progress else None
    if told is not None and told.generation == after.number:
        return _stepping(goodput, account, told, now_ms)
    if (before.running, before.number) == (after.running, after.number) and _trains(before):
        return goodput
    kind: Kind = "recovering" if _trains(before) and after.broken else _kind(before, goodput.unseen)
    return replace(goodput, account=account.passing(now_ms, {}, kind))


def adopt(goodput: Goodput, account: Account) -> Goodput:
    """Go on from the account that the operator kept, if this coordinator has none that goes further."""
    if goodput.account is not None and goodput.account.life_ms >= account.life_ms:
        return goodput
    return replace(goodput, account=account)


def _stepping(goodput: Goodput, account: Account, told: Progress, now_ms: int) -> Goodput:
    known = goodput.spent if goodput.generation == told.generation else Spent()
    parts: Mapping[Kind, float] = {
        "compiling": told.spent.compiling - known.compiling,
        "evaluating": told.spent.evaluating - known.evaluating,
        "checkpoint": told.spent.checkpoint - known.checkpoint,
    }
    again = told.step <= goodput.most_steps
    return replace(
        goodput,
        account=account.passing(now_ms, parts, "replaying" if again else "stepping"),
        most_steps=max(goodput.most_steps, told.step),
        generation=told.generation,
        spent=told.spent,
    )


def _trains(roster: Roster) -> bool:
    """Return whether steps are being done: the first one of the generation has been told of."""
    return roster.running and roster.progress is not None and roster.progress.generation == roster.number


def _kind(roster: Roster, unseen: bool) -> Kind:
    """Return what the time goes into while a roster stays as it is and nobody tells of a step."""
    if _trains(roster) or (unseen and roster.running):
        return "stepping"
    if roster.progress is None and roster.number <= 1:
        return "starting"
    if not roster.running and not roster.broken:
        return "waiting"
    return "recovering"
