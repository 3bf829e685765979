"""The rendezvous as a state machine: one function per message takes the group's state and returns the next one."""

from dataclasses import dataclass, replace
from typing import Literal

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.protocol import (
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
from llmtrain_coordinator.generations import (
    Entries,
    adopt,
    begin_after_last_call,
    begin_if_possible,
    end,
    end_if_adopted_incomplete,
    evict_previous,
    finish,
    hear_adopted,
    log_entry,
    member_name,
    remove,
    with_member,
    without_member,
)
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.members import MemberState, Phase, worker_rank_of


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A rejection with its reason. Sending the same message again does not help."""

    message: str
    surplus: bool = False
    """Whether the process is healthy but not part of the job any more: it was scaled away or replaced."""


Answer = Membership | JoinPending | CurrentGeneration | Rejection


@dataclass(frozen=True, kw_only=True)
class Transition:
    """The result of one message."""

    group: GroupState
    answer: Answer
    entries: Entries = ()


def join(group: GroupState, request: Join) -> Transition:
    """Add a process to the next generation, and begin it if no rank is missing."""
    member = request.member
    if rejection := rejection_for(group, member):
        group, entries = begin_if_possible(without_member(group, member.incarnation), ())
        return Transition(group=group, answer=rejection, entries=entries)
    state = group.members.get(member.incarnation)
    if state and state.phase is Phase.ACTIVE and request.generation < group.generation:
        return Transition(group=group, answer=group.membership())  # the previous answer to it was lost
    group, entries = evict_previous(group, member)
    if state and state.phase is Phase.ACTIVE:
        group, entries = end(group, f"{member_name(member)} joined again", entries, broken=True)
    if not state or state.phase is not Phase.JOINED:
        entries += (
            log_entry(CoordinatorEvent.MEMBER_JOINED, member=member, step=request.step, desired=group.desired_ranks),
        )
    joined = MemberState(phase=Phase.JOINED, member=member, generation=request.generation)
    group = with_member(group, member.incarnation, joined)
    if group.running and _has_all_ranks_of(group, member.worker):
        group, entries = end(group, f"{member_name(member)} is new", entries)
    group, entries = begin_if_possible(group, entries)
    active = group.members[member.incarnation].phase is Phase.ACTIVE
    return Transition(group=group, answer=group.membership() if active else group.join_pending(), entries=entries)


def rejection_for(group: GroupState, member: Member) -> Rejection | None:
    """Return why this member cannot join, or None if it can."""
    if not group.is_desired(member):
        size = f"the job has {group.workers} workers of {group.ranks_per_worker} ranks"
        return Rejection(message=f"{member_name(member)} is not part of the job: {size}.", surplus=True)
    if member.incarnation in group.replaced:
        return Rejection(message=f"{member_name(member)} has been replaced by a newer process.", surplus=True)
    other = _elsewhere(group, member, "model")
    if other:
        return Rejection(
            message=f"{member_name(member)} on {member.node or 'no node'} has other files in spec.model.from, spec.model.vectors "
            f"or spec.training.augment.synonyms than {member_name(other)} on {other.node or 'no node'}: {member.model or 'none'}, not {other.model}. Put the same "
            "files there for all workers."
        )
    different = _elsewhere(group, member, "numerics")
    if different:
        return Rejection(
            message=f"{member_name(member)} on {member.node or 'no node'} computes with {member.numerics}, but "
            f"{member_name(different)} on {different.node or 'no node'} with {different.numerics}: their results would "
            "differ in bits. Select identical nodes with spec.workers.nodeSelector, or set spec.training.reduction to "
            "Fast."
        )
    return None


def _elsewhere(group: GroupState, member: Member, field: Literal["numerics", "model"]) -> Member | None:
    """Return a member elsewhere that differs in `field`. One is compared, because those admitted are all equal."""
    elsewhere = (state.member for state in group.members.values() if state.worker_rank != worker_rank_of(member))
    other = next((each for each in elsewhere if getattr(each, field)), None)
    return other if other is not None and getattr(other, field) != getattr(member, field) else None


def heartbeat(group: GroupState, request: Heartbeat, *, now_seconds: float) -> Transition:
    """Answer with the current generation; adopt a running one of a previous coordinator."""
    group, entries = adopt(group, request.generation, now_seconds)
    if group.adopted_at_seconds is not None and request.generation == group.generation:
        group = hear_adopted(group, request, now_seconds)
        incarnation = request.member.incarnation
        if incarnation not in group.members and incarnation not in group.finished:
            state = MemberState(phase=Phase.ACTIVE, member=request.member, generation=request.generation)
            group = with_member(group, incarnation, state)
    return Transition(group=group, answer=group.current_generation(), entries=entries)


def progress(group: GroupState, request: Progress, *, now_seconds: float, time: str) -> Transition:
    """Record the progress of the newest generation, even if it has ended since: its steps were done."""
    group, entries = adopt(group, request.generation, now_seconds)
    if request.generation == group.generation:
        if group.progress is None:
            group = replace(group, first_loss=request.loss, first_step_time=time)
        group = replace(group, progress=_with_known_fields(request, group.progress))
    return Transition(group=group, answer=group.current_generation(), entries=entries)


def _with_known_fields(progress: Progress, previous: Progress | None) -> Progress:
    """Return `progress` with the evaluation, bad step and checkpoint reported before, which a new rank 0 does not have."""
    if previous is None:
        return progress
    fields = ("held_out_loss", "held_out_step", "bad_step", "checkpoint", "checkpoint_write")
    unknown = [field for field in fields if getattr(progress, field) is None]
    return progress.model_copy(update={field: getattr(previous, field) for field in unknown})


def leave(group: GroupState, request: Leave) -> Transition:
    """Remove a process. If it has finished, the others continue without it; otherwise the generation ends."""
    state = group.members.get(request.incarnation)
    if state is None:
        return Transition(group=group, answer=group.current_generation())
    entries: Entries = (
        log_entry(
            CoordinatorEvent.MEMBER_LEFT, member=state.member, incarnation=request.incarnation, reason=request.reason
        ),
    )
    if request.reason == "Finished":
        group, entries = finish(group, request.incarnation, entries)
    else:
        reason = "left" if request.reason == "Stopped" else "failed"
        group, entries = remove(group, request.incarnation, reason, entries, lost=request.reason == "Failed")
        group, entries = begin_if_possible(group, entries)
    return Transition(group=group, answer=group.current_generation(), entries=entries)


def expire(group: GroupState, silent: frozenset[str], *, now_seconds: float) -> Transition:
    """Remove processes whose lease has expired, and apply time-based transitions."""
    entries: Entries = ()
    for incarnation in sorted(silent & group.members.keys()):
        entries += (
            log_entry(
                CoordinatorEvent.MEMBER_EXPIRED, member=group.members[incarnation].member, incarnation=incarnation
            ),
        )
        group, entries = remove(group, incarnation, f"was silent for {LEASE_SECONDS:.0f} s", entries, lost=True)
    group, entries = end_if_adopted_incomplete(group, entries, now_seconds)
    group, entries = begin_if_possible(group, entries)
    group, entries = begin_after_last_call(group, entries, now_seconds)
    return Transition(group=group, answer=group.current_generation(), entries=entries)


def disconnect(group: GroupState, incarnation: str) -> Transition:
    """Remove a process whose connection closed. If it is alive, it joins again."""
    state = group.members.get(incarnation)
    entries: Entries = ()
    if state is not None:
        entry = log_entry(CoordinatorEvent.MEMBER_DISCONNECTED, member=state.member, incarnation=incarnation)
        group, entries = remove(group, incarnation, "closed its connection", (entry,), lost=True)
        group, entries = begin_if_possible(group, entries)
    return Transition(group=group, answer=group.current_generation(), entries=entries)


def scale(group: GroupState, request: DesiredWorkers) -> Transition:
    """Change the desired number of workers. Active surplus workers stay until they are stopped from outside."""
    group = replace(group, min_workers=request.min_workers)
    entries: Entries = ()
    if request.workers != group.workers:
        joined = group.members_in(Phase.JOINED).items()
        surplus = {name for name, state in joined if state.worker_rank[0] >= request.workers}
        group = replace(group, workers=request.workers, members=group.members.without(surplus))
        entries = (log_entry(CoordinatorEvent.WORKERS_SCALED, workers=request.workers, ranks=group.desired_ranks),)
    group, entries = begin_if_possible(group, entries)
    return Transition(group=group, answer=group.current_generation(), entries=entries)


def _has_all_ranks_of(group: GroupState, worker: int) -> bool:
    """Return whether every rank of a worker is a member, so that its ranks end the running generation only once."""
    return all(group.members.at((worker, local_rank)) for local_rank in range(group.ranks_per_worker))
