"""How the roster changes: each function takes what is known and what was said, and returns what follows.

A member of a generation that has ended is *summoned*: it hears of it from the heartbeat that it holds open,
and joins again. A generation is *broken* if it ended without one of its members: the others then drop the
step they are in. Otherwise they finish it, and no work is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from llmtrain_api.protocol import (
    LAST_CALL_SECONDS,
    LEASE_SECONDS,
    CurrentGeneration,
    DesiredWorkers,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Member,
    Membership,
    Progress,
)
from llmtrain_coordinator.group import GroupState, MemberState, Phase, place_of


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """An answer that says no, with the reason. Asking again is of no use."""

    sentence: str
    not_wanted: bool = False
    """Whether nothing is wrong but that the process is one too many."""


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """Something worth a line in the log."""

    name: str
    fields: Mapping[str, object]


Events = tuple[LogEvent, ...]
Answer = Membership | JoinPending | CurrentGeneration | Rejection


@dataclass(frozen=True, kw_only=True)
class Transition:
    """What follows from one message."""

    roster: GroupState
    answer: Answer
    events: Events = ()


def join(roster: GroupState, request: Join) -> Transition:
    """Seat a process for the next generation, and begin that if nobody is missing."""
    member = request.member
    if refusal := rejection_for(roster, member):
        roster, events = _begin_if_possible(_without_member(roster, member.incarnation), ())
        return Transition(roster=roster, answer=refusal, events=events)
    seat = roster.seats.get(member.incarnation)
    if seat and seat.phase is Phase.ACTIVE and request.generation < roster.number:
        return Transition(roster=roster, answer=roster.membership())  # it never got this answer
    roster, events = _evict_previous(roster, member)
    if seat and seat.phase is Phase.ACTIVE:
        roster, events = _end(roster, f"{_name(member)} joined again", events, broken=True)
    if not seat or seat.phase is not Phase.JOINED:
        events += (_event("joined", member=member, step=request.step, of=roster.wanted),)
    waiting = MemberState(phase=Phase.JOINED, member=member, generation=request.generation)
    roster = _with_member(roster, member.incarnation, waiting)
    if roster.running and _all_here(roster, member.worker):
        roster, events = _end(roster, f"{_name(member)} is new", events)
    roster, events = _begin_if_possible(roster, events)
    begun = roster.seats[member.incarnation].phase is Phase.ACTIVE
    return Transition(roster=roster, answer=roster.membership() if begun else roster.waiting(), events=events)


def rejection_for(roster: GroupState, member: Member) -> Rejection | None:
    """Return why this member can't take part, if it can't."""
    if not roster.has_place_for(member):
        size = f"the job has {roster.workers} workers of {roster.ranks_per_worker} ranks"
        return Rejection(sentence=f"{_name(member)} is not wanted: {size}.", not_wanted=True)
    if member.incarnation in roster.replaced:
        return Rejection(sentence=f"{_name(member)} has been replaced by a newer process.", not_wanted=True)
    others = [seat.member for seat in roster.seats.values() if seat.member.numerics]
    different = next((other for other in others if other.numerics != member.numerics), None)
    if different and place_of(different) != place_of(member):
        return Rejection(
            sentence=f"{_name(member)} on {member.node or 'no node'} computes with {member.numerics}, but "
            f"{_name(different)} on {different.node or 'no node'} with {different.numerics}: they would not get the same "
            "bits. Let spec.workers.nodeSelector choose nodes that are alike, or set spec.training.reduction to Fast."
        )
    return None


def heartbeat(roster: GroupState, request: Heartbeat, *, now_seconds: float) -> Transition:
    """Say which generation holds; take a running one over from a former coordinator."""
    roster, events = _adopt(roster, request.generation, now_seconds)
    if request.generation == roster.number and roster.adopted_at_seconds is not None:
        roster = replace(roster, adopted_ranks=request.ranks)
    taken_over = roster.adopted_at_seconds is not None and request.generation == roster.number
    incarnation = request.member.incarnation
    if taken_over and incarnation not in roster.seats and incarnation not in roster.finished:
        seat = MemberState(phase=Phase.ACTIVE, member=request.member, generation=request.generation)
        roster = _with_member(roster, incarnation, seat)
    return Transition(roster=roster, answer=roster.generation(), events=events)


def progress(roster: GroupState, request: Progress, *, now_seconds: float, time: str) -> Transition:
    """Note how far the newest generation is, even if it has ended meanwhile: the step was done."""
    roster, events = _adopt(roster, request.generation, now_seconds)
    if request.generation == roster.number:
        if roster.progress is None:
            roster = replace(roster, first_loss=request.loss, first_step_time=time)
        roster = replace(roster, progress=_with_what_was_known(request, roster.progress))
    return Transition(roster=roster, answer=roster.generation(), events=events)


def _with_what_was_known(progress: Progress, before: Progress | None) -> Progress:
    """Return `progress` with the evaluation and the checkpoint told before, if another process is the first rank now."""
    fields = ("held_out_loss", "held_out_step", "checkpoint", "checkpoint_write")
    unknown = [field for field in fields if getattr(progress, field) is None]
    return progress.model_copy(update={field: getattr(before, field) for field in unknown}) if before else progress


def leave(roster: GroupState, request: Leave) -> Transition:
    """Let a process go. One that has finished is not waited for; any other ends the generation."""
    seat = roster.seats.get(request.incarnation)
    if seat is None:
        return Transition(roster=roster, answer=roster.generation())
    events: Events = (_event("left", member=seat.member, incarnation=request.incarnation, reason=request.reason),)
    if request.reason == "Finished":
        roster, events = _finish(roster, request.incarnation, seat, events)
    else:
        why = "left" if request.reason == "Stopped" else "failed"
        roster, events = _remove(roster, request.incarnation, why, events, lost=request.reason == "Failed")
        roster, events = _begin_if_possible(roster, events)
    return Transition(roster=roster, answer=roster.generation(), events=events)


def expire(roster: GroupState, silent: frozenset[str], *, now_seconds: float) -> Transition:
    """Take silent processes for dead. End an adopted generation that turns out to have another size than wanted."""
    events: Events = ()
    for incarnation in sorted(silent & roster.seats.keys()):
        events += (_event("expired", member=roster.seats[incarnation].member, incarnation=incarnation),)
        roster, events = _remove(roster, incarnation, f"was silent for {LEASE_SECONDS:.0f} s", events, lost=True)
    if roster.running and roster.adopted_at_seconds is not None:
        known = len(roster.seats) + len(roster.finished)
        if known < roster.adopted_ranks and now_seconds >= roster.adopted_at_seconds + LEASE_SECONDS:
            roster, events = _end(roster, f"{known} of its {roster.adopted_ranks} ranks live", events, broken=True)
    roster, events = _begin_if_possible(roster, events)
    roster, events = _begin_after_last_call(roster, events, now_seconds)
    return Transition(roster=roster, answer=roster.generation(), events=events)


def disconnect(roster: GroupState, incarnation: str) -> Transition:
    """Take a process whose connection closed for dead. If it isn't, it joins again."""
    seat = roster.seats.get(incarnation)
    events: Events = ()
    if seat is not None:
        gone = _event("vanished", member=seat.member, incarnation=incarnation)
        roster, events = _remove(roster, incarnation, "closed its connection", (gone,), lost=True)
        roster, events = _begin_if_possible(roster, events)
    return Transition(roster=roster, answer=roster.generation(), events=events)


def scale(roster: GroupState, request: DesiredWorkers) -> Transition:
    """Change the number of workers. Who trains and is not wanted any more is told to stop by whoever runs it."""
    roster = replace(roster, min_workers=request.min_workers)
    events: Events = ()
    if request.workers != roster.workers:
        asking = roster.members_in(Phase.JOINED).items()
        surplus = {name for name, seat in asking if seat.place[0] >= request.workers}
        staying = {name: seat for name, seat in roster.seats.items() if name not in surplus}
        roster = replace(roster, workers=request.workers, seats=MappingProxyType(staying))
        events = (_event("workers wanted", workers=request.workers, ranks=roster.wanted),)
    roster, events = _begin_if_possible(roster, events)
    return Transition(roster=roster, answer=roster.generation(), events=events)


Change = tuple[GroupState, Events]


def _begin_if_possible(roster: GroupState, events: Events) -> Change:
    """Begin the next generation with all who wait. The first one here waits until nobody is missing."""
    if roster.running or not roster.enough or (roster.number == 0 and not roster.complete):
        return roster, events
    return _begin(roster, events)


def _begin_after_last_call(roster: GroupState, events: Events, now_seconds: float) -> Change:
    """Begin the first generation here without those who are missing, when patience is over.

    A coordinator that comes after another one doesn't know who lives: it waits as long as a lease.
    """
    if roster.running or roster.number > 0 or not roster.enough:
        return replace(roster, enough_since_seconds=None), events
    since = now_seconds if roster.enough_since_seconds is None else roster.enough_since_seconds
    if now_seconds - since >= (LAST_CALL_SECONDS if roster.next_generation == 1 else LEASE_SECONDS):
        return _begin(roster, events)
    return replace(roster, enough_since_seconds=since), events


def _begin(roster: GroupState, events: Events) -> Change:
    number, waiting = roster.next_generation, roster.members_in(Phase.JOINED)
    training = {name: replace(seat, phase=Phase.ACTIVE, generation=number) for name, seat in waiting.items()}
    roster = replace(
        roster,
        number=number,
        running=True,
        broken=False,
        enough_since_seconds=None,
        adopted_at_seconds=None,
        seats=MappingProxyType({**roster.seats, **training}),
    )
    return roster, (*events, _event("generation began", generation=number, ranks=len(training)))


def _all_here(roster: GroupState, worker: int) -> bool:
    """Return whether every rank of a worker has a seat: its ranks join one after the other, and once is enough."""
    return len([seat for seat in roster.seats.values() if seat.place[0] == worker]) == roster.ranks_per_worker


def _end(roster: GroupState, reason: str, events: Events, *, broken: bool = False) -> Change:
    """End the running generation, if one is running, and summon its members; one that has ended may break yet."""
    if not roster.running:
        return replace(roster, broken=roster.broken or broken), events
    training = roster.members_in(Phase.ACTIVE)
    summoned = {name: replace(seat, phase=Phase.REJOINING) for name, seat in training.items()}
    seats = MappingProxyType({**roster.seats, **summoned})
    roster = replace(roster, running=False, broken=broken, adopted_at_seconds=None, seats=seats)
    return roster, (*events, _event("generation ended", generation=roster.number, reason=reason))


def _remove(roster: GroupState, incarnation: str, why: str, events: Events, *, lost: bool) -> Change:
    """Take a process off the roster; its generation ends with it."""
    seat = roster.seats[incarnation]
    if seat.phase is not Phase.JOINED:
        roster, events = _end(roster, f"{_name(seat.member)} {why}", events, broken=lost)
    return replace(_without_member(roster, incarnation), lost_members=roster.lost_members + lost), events


def _finish(roster: GroupState, incarnation: str, seat: MemberState, events: Events) -> Change:
    """Take a process that trained to the end off the roster; the others go on."""
    finished = MappingProxyType({**roster.finished, incarnation: seat.place})
    roster = replace(_without_member(roster, incarnation), finished=finished)
    if roster.running and not roster.members_in(Phase.ACTIVE):
        roster, events = _end(roster, "all its members have finished", events)
    return _begin_if_possible(roster, events)


def _evict_previous(roster: GroupState, member: Member) -> Change:
    """Free the member's place from whoever had it before."""
    place = place_of(member)
    events: Events = ()
    finished = {name: there for name, there in roster.finished.items() if there != place and name != member.incarnation}
    if len(finished) < len(roster.finished):
        roster = replace(roster, finished=MappingProxyType(finished))
    for incarnation, seat in list(roster.seats.items()):
        if seat.place == place and incarnation != member.incarnation:
            events += (_event("replaced", member=member, incarnation=incarnation),)
            roster, events = _remove(roster, incarnation, "was replaced", events, lost=True)
            roster = replace(roster, replaced=roster.replaced | {incarnation})
    return roster, events


def _adopt(roster: GroupState, number: int, now_seconds: float) -> Change:
    """Take generation `number` over if it is newer than any known here and nobody waits for another one."""
    began_here = roster.running and roster.adopted_at_seconds is None
    if number <= roster.number or began_here:
        return roster, ()
    if roster.seats and not roster.running:
        return replace(roster, number=number), ()
    seats: Mapping[str, MemberState] = MappingProxyType({})
    roster = replace(roster, number=number, running=True, adopted_at_seconds=now_seconds, seats=seats)
    return roster, (_event("generation adopted", generation=number),)


def _with_member(roster: GroupState, incarnation: str, seat: MemberState) -> GroupState:
    return replace(roster, seats=MappingProxyType({**roster.seats, incarnation: seat}))


def _without_member(roster: GroupState, incarnation: str) -> GroupState:
    seats = {name: seat for name, seat in roster.seats.items() if name != incarnation}
    return replace(roster, seats=MappingProxyType(seats))


def _name(member: Member) -> str:
    """Return how people call a member."""
    return f"worker {member.worker} rank {member.local_rank}"


def _event(name: str, member: Member | None = None, **fields: object) -> LogEvent:
    where = {"worker": member.worker, "localRank": member.local_rank, "node": member.node or None} if member else {}
    return LogEvent(name=name, fields={**where, **fields})
