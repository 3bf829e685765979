"""Begins, ends and adopts generations, and adds and removes their members.

A generation is one membership of the group. When it ends, its members are *rejoining*: each learns it from the
heartbeat that it holds open, and joins again. A generation is *broken* if it ended without one of its members: the
others then abandon the step they are in. Otherwise they finish it, and no work is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.protocol import LAST_CALL_SECONDS, LEASE_SECONDS, Heartbeat, Member
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.members import Members, MemberState, Phase, worker_rank_of

STEPS_TO_WAIT = 2
"""How many times the last step's duration the next step of an adopted generation may take."""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One line for the log."""

    event: CoordinatorEvent
    fields: Mapping[str, object]


Entries = tuple[LogEntry, ...]
Change = tuple[GroupState, Entries]
"""The next state, and the log entries up to it."""


def begin_if_possible(group: GroupState, entries: Entries) -> Change:
    """Begin the next generation with the joined members; the first one of this coordinator waits for every rank."""
    if group.running or not group.has_enough_members or (group.generation == 0 and not group.is_complete):
        return group, entries
    return _begin(group, entries)


def begin_after_last_call(group: GroupState, entries: Entries, now_seconds: float) -> Change:
    """Begin this coordinator's first generation without the missing ranks once the last call is over.

    A coordinator that replaces another one does not know which processes are alive: its last call takes one lease.
    """
    if group.running or group.generation > 0 or not group.has_enough_members:
        return replace(group, last_call_since_seconds=None), entries
    since = now_seconds if group.last_call_since_seconds is None else group.last_call_since_seconds
    if now_seconds - since >= (LAST_CALL_SECONDS if group.next_generation == 1 else LEASE_SECONDS):
        return _begin(group, entries)
    return replace(group, last_call_since_seconds=since), entries


def _begin(group: GroupState, entries: Entries) -> Change:
    generation, joined = group.next_generation, group.members_in(Phase.JOINED)
    active = {name: replace(state, phase=Phase.ACTIVE, generation=generation) for name, state in joined.items()}
    group = replace(
        group,
        generation=generation,
        running=True,
        broken=False,
        last_call_since_seconds=None,
        adopted_at_seconds=None,
        members=group.members.updated(active),
    )
    return group, (*entries, log_entry(CoordinatorEvent.GENERATION_STARTED, generation=generation, ranks=len(active)))


def end(group: GroupState, reason: str, entries: Entries, *, broken: bool = False) -> Change:
    """End the running generation and make its members rejoin; one that has already ended can still become broken."""
    if not group.running:
        return replace(group, broken=group.broken or broken), entries
    active = group.members_in(Phase.ACTIVE)
    rejoining = {name: replace(state, phase=Phase.REJOINING) for name, state in active.items()}
    members = group.members.updated(rejoining)
    group = replace(group, running=False, broken=broken, adopted_at_seconds=None, members=members)
    return group, (*entries, log_entry(CoordinatorEvent.GENERATION_ENDED, generation=group.generation, reason=reason))


def adopt(group: GroupState, generation: int, now_seconds: float) -> Change:
    """Adopt the generation of a previous coordinator if it is newer than any known and no process waits for another."""
    began_here = group.running and group.adopted_at_seconds is None
    if generation <= group.generation or began_here:
        return group, ()
    if group.members and not group.running:
        return replace(group, generation=generation), ()
    group = replace(
        group,
        generation=generation,
        running=True,
        adopted_at_seconds=now_seconds,
        adopted_step=-1,
        adopted_until_seconds=now_seconds + LEASE_SECONDS,
        members=Members(),
    )
    return group, (log_entry(CoordinatorEvent.GENERATION_ADOPTED, generation=generation),)


def hear_adopted(group: GroupState, request: Heartbeat, now_seconds: float) -> GroupState:
    """Note a heartbeat of an adopted generation.

    All members do a step together. So a newer one shows that all are alive, also those that have not found this coordinator
    yet, because the answers of DNS are cached; and they are until the next one is due.
    """
    group = replace(group, adopted_ranks=request.ranks)
    if request.step <= group.adopted_step:
        return group
    seconds = max(LEASE_SECONDS, STEPS_TO_WAIT * (request.compute_seconds or 0.0))
    return replace(group, adopted_step=request.step, adopted_until_seconds=now_seconds + seconds)


def end_if_adopted_incomplete(group: GroupState, entries: Entries, now_seconds: float) -> Change:
    """End an adopted generation if some of its members have not sent a heartbeat, and no step shows that they are alive."""
    if not group.running or group.adopted_at_seconds is None:
        return group, entries
    known = len(group.members) + len(group.finished)
    if known >= group.adopted_ranks or now_seconds < group.adopted_until_seconds:
        return group, entries
    return end(group, f"{known} of its {group.adopted_ranks} ranks are alive", entries, broken=True)


def remove(group: GroupState, incarnation: str, reason: str, entries: Entries, *, lost: bool) -> Change:
    """Remove a process; the generation it is a member of ends."""
    state = group.members[incarnation]
    if state.phase is not Phase.JOINED:
        group, entries = end(group, f"{member_name(state.member)} {reason}", entries, broken=lost)
    return replace(without_member(group, incarnation), lost_members=group.lost_members + lost), entries


def is_between(group: GroupState, incarnation: str) -> bool:
    """Return whether a member is on its way from a generation that lost none to the next one.

    If it dies there, its lease shows it, which takes longer than a closed connection.
    """
    state = group.members.get(incarnation)
    return state is not None and state.phase is Phase.REJOINING and not group.broken


def finish(group: GroupState, incarnation: str, entries: Entries) -> Change:
    """Remove a process that trained to the end; the others continue."""
    finished = MappingProxyType({**group.finished, incarnation: group.members[incarnation].worker_rank})
    group = replace(without_member(group, incarnation), finished=finished)
    if group.running and not group.members.count(Phase.ACTIVE):
        group, entries = end(group, "all its members have finished", entries)
    return begin_if_possible(group, entries)


def evict_previous(group: GroupState, member: Member) -> Change:
    """Remove any other process that holds the member's worker and local rank."""
    place = worker_rank_of(member)
    entries: Entries = ()
    finished = {name: other for name, other in group.finished.items() if other != place and name != member.incarnation}
    if len(finished) < len(group.finished):
        group = replace(group, finished=MappingProxyType(finished))
    for incarnation in group.members.at(place):
        if incarnation != member.incarnation:
            entries += (log_entry(CoordinatorEvent.MEMBER_REPLACED, member=member, incarnation=incarnation),)
            group, entries = remove(group, incarnation, "was replaced", entries, lost=True)
            group = replace(group, replaced=group.replaced | {incarnation})
    return group, entries


def with_member(group: GroupState, incarnation: str, state: MemberState) -> GroupState:
    """Return the group with a member added or changed."""
    return replace(group, members=group.members.updated({incarnation: state}))


def without_member(group: GroupState, incarnation: str) -> GroupState:
    """Return the group without a member, which need not be in it."""
    return replace(group, members=group.members.without((incarnation,)))


def member_name(member: Member) -> str:
    """Return how messages name a member."""
    return f"worker {member.worker} rank {member.local_rank}"


def log_entry(event: CoordinatorEvent, member: Member | None = None, **fields: object) -> LogEntry:
    """Return a log entry, with the member's place if it is about one."""
    where = {"worker": member.worker, "local_rank": member.local_rank, "node": member.node or None} if member else {}
    return LogEntry(event=event, fields={**where, **fields})
