"""Messages to a coordinator, in short form: `a0` is the first process of worker 0, `b0` the one that replaces it."""

from llmtrain_api.protocol import (
    CheckpointInfo,
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
from llmtrain_coordinator import transitions
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.transitions import Rejection, Transition


def member(incarnation: str, numerics: str = "cpu", model: str = "") -> Member:
    """Return the only rank of the worker that the incarnation names."""
    return Member(
        worker=int(incarnation[1:]),
        local_rank=0,
        incarnation=incarnation,
        address="10.0.0.1",
        store_port=29500,
        numerics=numerics,
        model=model,
    )


def join(incarnation: str, generation: int = 0, numerics: str = "cpu", model: str = "") -> Join:
    """Return a request to join, from a process that was last in `generation`."""
    return Join(member=member(incarnation, numerics, model), generation=generation)


def heartbeat(
    incarnation: str, generation: int, ranks: int = 2, *, step: int = 1, compute_seconds: float | None = None
) -> Heartbeat:
    """Return a heartbeat of a member of `generation`, which has `ranks` members, after `step` steps."""
    return Heartbeat(
        member=member(incarnation), generation=generation, ranks=ranks, step=step, compute_seconds=compute_seconds
    )


def disconnect(incarnation: str) -> str:
    """Return the marker of a connection that closes."""
    return incarnation


def expire(*incarnations: str) -> frozenset[str]:
    """Return the marker of a check of the leases, of which these have expired."""
    return frozenset(incarnations)


def leave(incarnation: str, reason: str) -> Leave:
    """Return the message of a process that leaves."""
    return Leave(incarnation=incarnation, reason=reason)


def scale(workers: int, min_workers: int = 1) -> DesiredWorkers:
    """Return the operator's request for a number of workers."""
    return DesiredWorkers(workers=workers, min_workers=min_workers)


def progress(generation: int, step: int, loss: float = 2.0) -> Progress:
    """Return rank 0's report after a step, with an evaluation and a checkpoint of it."""
    return Progress(
        generation=generation,
        step=step,
        steps=10,
        loss=loss,
        learning_rate=3e-4,
        gradient_norm=1.0,
        tokens=step * 64,
        tokens_per_second=1000.0,
        held_out_loss=2.5,
        checkpoint=CheckpointInfo(step=step, time="2026-11-23T10:00:00.000Z", path="checkpoints/1"),
    )


def transitions_of(workers: int, *messages: object) -> list[Transition]:
    """Return the transition of each message to a new coordinator; a number lets seconds pass."""
    group, now_seconds, done = GroupState(workers=workers, ranks_per_worker=1), 0.0, []
    for message in messages:
        if isinstance(message, (int, float)):
            now_seconds += message
            continue
        done.append(apply(group, message, now_seconds))
        group = done[-1].group
    return done


def group_after(workers: int, *messages: object) -> GroupState:
    """Return the group's state after messages to a new coordinator."""
    return transitions_of(workers, *messages)[-1].group


def apply(group: GroupState, message: object, now_seconds: float) -> Transition:
    """Return the transition of one message."""
    match message:
        case Join():
            return transitions.join(group, message)
        case Heartbeat():
            return transitions.heartbeat(group, message, now_seconds=now_seconds)
        case Progress():
            return transitions.progress(group, message, now_seconds=now_seconds, time=f"at {now_seconds:g} s")
        case Leave():
            return transitions.leave(group, message)
        case DesiredWorkers():
            return transitions.scale(group, message)
        case frozenset():
            return transitions.expire(group, message, now_seconds=now_seconds)
        case str():
            return transitions.disconnect(group, message)
    raise AssertionError(message)


def answer_of(transition: Transition) -> object:
    """Return a short form of an answer: (generation, its members), "1 of 2" joined, the generation to join, …"""
    match transition.answer:
        case Membership(generation=generation, members=members):
            return generation, " ".join(member.incarnation for member in members)
        case JoinPending(joined=joined, desired=desired):
            return f"{joined} of {desired}"
        case CurrentGeneration(generation=generation, broken=broken):
            return f"{generation} broken" if broken else generation
        case Rejection():
            return "rejected"


GENERATION_1 = (join("a0"), join("a1"))
"""The first generation, of two workers."""
GENERATION_2 = (join("a0", 1), join("a1", 1))
"""Both of its members join again."""
