"""How the roster changes: each function takes what is known and what was said, and returns what follows.

A generation begins when every wanted rank has joined. It ends when one of its members joins again,
leaves, falls silent or is replaced, or when another number of workers is wanted; its other members
are then *summoned*: they learn it from their next heartbeat and join again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from llmtrain_api.membership import (
    LEASE_SECONDS,
    Generation,
    Heartbeat,
    Join,
    Leave,
    Member,
    Membership,
    Progress,
    Waiting,
    Wanted,
)
from llmtrain_coordinator.roster import Phase, Roster, Seat, place_of


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer that says no, with the reason. Asking again is of no use."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something worth a line in the log."""

    name: str
    facts: Mapping[str, object]


Events = tuple[Event, ...]
Answer = Membership | Waiting | Generation | Refusal


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What follows from one message."""

    roster: Roster
    answer: Answer
    events: Events = ()


def join(roster: Roster, request: Join) -> Turn:
    """Seat a process for the next generation, and begin that if nobody is missing."""
    member = request.member
    if refusal := refuse(roster, member):
        return Turn(roster=roster, answer=refusal)
    seat = roster.seats.get(member.incarnation)
    if seat and seat.phase is Phase.TRAINING and seat.member and request.generation < roster.number:
        return Turn(roster=roster, answer=roster.membership())  # it never got this answer
    roster, events = _vacate(roster, member)
    if seat and seat.phase is Phase.TRAINING:
        roster, events = _end(roster, f"{_name(member)} joined again", events)
    elif roster.running and roster.adopted_at_seconds is not None:
        roster, events = _end(roster, f"{_name(member)} is new", events)
    if not seat or seat.phase is not Phase.WAITING:
        events += (_event("joined", member=member, step=request.step, of=roster.wanted),)
    waiting = Seat(phase=Phase.WAITING, member=member, generation=request.generation)
    roster, events = _begin_if_complete(_seated(roster, member.incarnation, waiting), events)
    begun = roster.seats[member.incarnation].phase is Phase.TRAINING
    return Turn(roster=roster, answer=roster.membership() if begun else roster.waiting(), events=events)


def refuse(roster: Roster, member: Member) -> Refusal | None:
    """Return why this member can't take part, if it can't."""
    if not roster.has_place_for(member):
        return Refusal(
            sentence=f"{_name(member)} is not wanted: the job has {roster.workers} workers of {roster.ranks_per_worker} ranks."
        )
    if member.incarnation in roster.replaced:
        return Refusal(sentence=f"{_name(member)} has been replaced by a newer process.")
    return None


def heartbeat(roster: Roster, request: Heartbeat, *, now_seconds: float) -> Turn:
    """Say which generation holds; take a running one over from a former coordinator."""
    roster, events = _adopt(roster, request.generation, now_seconds)
    taken_over = roster.adopted_at_seconds is not None and request.generation == roster.number
    if taken_over and request.incarnation not in roster.seats and request.incarnation not in roster.finished:
        seat = Seat(phase=Phase.TRAINING, member=None, generation=request.generation)
        roster = _seated(roster, request.incarnation, seat)
    return Turn(roster=roster, answer=roster.generation(), events=events)


def progress(roster: Roster, request: Progress, *, now_seconds: float, time: str) -> Turn:
    """Note how far the newest generation is, even if it has ended meanwhile: the step was done."""
    roster, events = _adopt(roster, request.generation, now_seconds)
    if request.generation == roster.number:
        if roster.progress is None:
            roster = replace(roster, first_loss=request.loss, first_step_time=time)
        roster = replace(roster, progress=request)
    return Turn(roster=roster, answer=roster.generation(), events=events)


def leave(roster: Roster, request: Leave) -> Turn:
    """Let a process go. One that has finished is not waited for; any other ends the generation."""
    seat = roster.seats.get(request.incarnation)
    if seat is None:
        return Turn(roster=roster, answer=roster.generation())
    events: Events = (_event("left", member=seat.member, incarnation=request.incarnation, reason=request.reason),)
    if request.reason == "Finished":
        roster, events = _finish(roster, request.incarnation, seat, events)
    else:
        why = "left" if request.reason == "Stopped" else "failed"
        roster, events = _lose(roster, request.incarnation, why, events, lost=request.reason == "Failed")
    return Turn(roster=roster, answer=roster.generation(), events=events)


def expire(roster: Roster, silent: frozenset[str], *, now_seconds: float) -> Turn:
    """Take silent processes for dead. End an adopted generation that turns out to have another size than wanted."""
    events: Events = ()
    for incarnation in sorted(silent & roster.seats.keys()):
        events += (_event("expired", member=roster.seats[incarnation].member, incarnation=incarnation),)
        roster, events = _lose(roster, incarnation, f"was silent for {LEASE_SECONDS:.0f} s", events, lost=True)
    if roster.running and roster.adopted_at_seconds is not None:
        known = len(roster.seats) + len(roster.finished)
        if known != roster.wanted and now_seconds >= roster.adopted_at_seconds + LEASE_SECONDS:
            roster, events = _end(roster, f"{known} ranks live, {roster.wanted} are wanted", events)
    return Turn(roster=roster, answer=roster.generation(), events=events)


def want(roster: Roster, request: Wanted) -> Turn:
    """Change the number of workers. Whoever is not wanted any more loses its seat."""
    if request.workers == roster.workers:
        return Turn(roster=roster, answer=roster.generation())
    roster, events = _end(roster, f"{request.workers} workers are wanted, not {roster.workers}", ())
    staying = {name: seat for name, seat in roster.seats.items() if not seat.place or seat.place[0] < request.workers}
    finished = {name: place for name, place in roster.finished.items() if not place or place[0] < request.workers}
    roster = replace(
        roster, workers=request.workers, seats=MappingProxyType(staying), finished=MappingProxyType(finished)
    )
    events += (_event("workers wanted", workers=request.workers, ranks=roster.wanted),)
    roster, events = _begin_if_complete(roster, events)
    return Turn(roster=roster, answer=roster.generation(), events=events)


Change = tuple[Roster, Events]


def _begin_if_complete(roster: Roster, events: Events) -> Change:
    """Begin the next generation if nobody is missing: with all who wait, without those who have finished."""
    waiting = roster.in_phase(Phase.WAITING)
    if roster.running or not waiting or len(waiting) + len(roster.finished) < roster.wanted:
        return roster, events
    number = roster.upcoming
    training = {name: replace(seat, phase=Phase.TRAINING, generation=number) for name, seat in waiting.items()}
    roster = replace(
        roster,
        number=number,
        running=True,
        adopted_at_seconds=None,
        seats=MappingProxyType({**roster.seats, **training}),
    )
    return roster, (*events, _event("generation began", generation=number, ranks=len(training)))


def _end(roster: Roster, reason: str, events: Events) -> Change:
    """End the running generation, if one is running, and summon its members."""
    if not roster.running:
        return roster, events
    training = roster.in_phase(Phase.TRAINING)
    summoned = {name: replace(seat, phase=Phase.SUMMONED) for name, seat in training.items()}
    seats = MappingProxyType({**roster.seats, **summoned})
    roster = replace(roster, running=False, adopted_at_seconds=None, seats=seats)
    return roster, (*events, _event("generation ended", generation=roster.number, reason=reason))


def _lose(roster: Roster, incarnation: str, why: str, events: Events, *, lost: bool) -> Change:
    """Take a process off the roster; its generation ends with it."""
    seat = roster.seats[incarnation]
    if seat.phase is Phase.TRAINING:
        roster, events = _end(roster, f"{_name(seat.member)} {why}", events)
    return replace(_unseated(roster, incarnation), lost_members=roster.lost_members + lost), events


def _finish(roster: Roster, incarnation: str, seat: Seat, events: Events) -> Change:
    """Take a process that trained to the end off the roster; the others go on."""
    finished = MappingProxyType({**roster.finished, incarnation: seat.place})
    roster = replace(_unseated(roster, incarnation), finished=finished)
    if roster.running and not roster.in_phase(Phase.TRAINING):
        roster, events = _end(roster, "all its members have finished", events)
    return _begin_if_complete(roster, events)


def _vacate(roster: Roster, member: Member) -> Change:
    """Free the member's place from whoever had it before."""
    place = place_of(member)
    events: Events = ()
    finished = {name: there for name, there in roster.finished.items() if there != place and name != member.incarnation}
    if len(finished) < len(roster.finished):
        roster = replace(roster, finished=MappingProxyType(finished))
    for incarnation, seat in list(roster.seats.items()):
        if seat.place == place and incarnation != member.incarnation:
            events += (_event("replaced", member=member, incarnation=incarnation),)
            roster, events = _lose(roster, incarnation, "was replaced", events, lost=True)
            roster = replace(roster, replaced=roster.replaced | {incarnation})
    return roster, events


def _adopt(roster: Roster, number: int, now_seconds: float) -> Change:
    """Take generation `number` over if it is newer than any known here and nobody waits for another one."""
    began_here = roster.running and roster.adopted_at_seconds is None
    if number <= roster.number or began_here:
        return roster, ()
    if roster.seats and not roster.running:
        return replace(roster, number=number), ()
    seats: Mapping[str, Seat] = MappingProxyType({})
    roster = replace(roster, number=number, running=True, adopted_at_seconds=now_seconds, seats=seats)
    return roster, (_event("generation adopted", generation=number),)


def _seated(roster: Roster, incarnation: str, seat: Seat) -> Roster:
    return replace(roster, seats=MappingProxyType({**roster.seats, incarnation: seat}))


def _unseated(roster: Roster, incarnation: str) -> Roster:
    seats = {name: seat for name, seat in roster.seats.items() if name != incarnation}
    return replace(roster, seats=MappingProxyType(seats))


def _name(member: Member | None) -> str:
    """Return how people call a member."""
    return f"worker {member.worker} rank {member.local_rank}" if member else "a rank"


def _event(name: str, member: Member | None = None, **facts: object) -> Event:
    where = {"worker": member.worker, "localRank": member.local_rank, "node": member.node or None} if member else {}
    return Event(name=name, facts={**where, **facts})
