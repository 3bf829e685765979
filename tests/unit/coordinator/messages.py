"""What trainers say to a coordinator, in few words: `a0` is the first process of worker 0, `b0` its replacement."""

from llmtrain_api.protocol import CheckpointInfo, DesiredWorkers, Heartbeat, Join, Leave, Member, Progress
from llmtrain_coordinator import transitions
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.transitions import Transition


def member(incarnation: str, numerics: str = "cpu") -> Member:
    return Member(
        worker=int(incarnation[1:]),
        local_rank=0,
        incarnation=incarnation,
        address="10.0.0.1",
        store_port=29500,
        numerics=numerics,
    )


def joining(incarnation: str, generation: int = 0, numerics: str = "cpu") -> Join:
    return Join(member=member(incarnation, numerics), generation=generation)


def beating(incarnation: str, generation: int, ranks: int = 2) -> Heartbeat:
    return Heartbeat(member=member(incarnation), generation=generation, ranks=ranks, step=1)


def vanishing(incarnation: str) -> str:
    return incarnation


def leaving(incarnation: str, reason: str) -> Leave:
    return Leave(incarnation=incarnation, reason=reason)


def wanting(workers: int, fewest: int = 1) -> DesiredWorkers:
    return DesiredWorkers(workers=workers, min_workers=fewest)


def progressing(generation: int, step: int, loss: float = 2.0) -> Progress:
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


def follow(workers: int, *said: object) -> list[Transition]:
    """Return what follows, message by message. A number lets seconds pass, a set falls silent, a name vanishes."""
    roster, now, turns = GroupState(workers=workers, ranks_per_worker=1), 0.0, []
    for message in said:
        if isinstance(message, (int, float)):
            now += message
            continue
        turns.append(turn(roster, message, now))
        roster = turns[-1].roster
    return turns


def turn(roster: GroupState, message: object, now: float) -> Transition:
    """Return what follows from one message."""
    match message:
        case Join():
            return transitions.join(roster, message)
        case Heartbeat():
            return transitions.heartbeat(roster, message, now_seconds=now)
        case Progress():
            return transitions.progress(roster, message, now_seconds=now, time=f"at {now:g} s")
        case Leave():
            return transitions.leave(roster, message)
        case DesiredWorkers():
            return transitions.scale(roster, message)
        case frozenset():
            return transitions.expire(roster, message, now_seconds=now)
        case str():
            return transitions.disconnect(roster, message)
    raise AssertionError(message)
