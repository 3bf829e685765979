"""A held request is answered when there is something to say, and at the latest after its timeout."""

import asyncio

from llmtrain_api.protocol import Membership
from llmtrain_coordinator import transitions
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.long_polls import JoinAnswer, LongPolls
from llmtrain_coordinator.transitions import Rejection
from unit.coordinator.messages import join

NEVER_SECONDS = 600.0
EMPTY = GroupState(workers=2, ranks_per_worker=1)


def joined(*incarnations: str) -> GroupState:
    """Return the group after these processes have joined."""
    group = EMPTY
    for incarnation in incarnations:
        group = transitions.join(group, join(incarnation)).group
    return group


async def hold(long_polls: LongPolls, incarnation: str) -> asyncio.Task[JoinAnswer | None]:
    """Hold a join open."""
    held = asyncio.create_task(long_polls.hold_join(incarnation, NEVER_SECONDS))
    await asyncio.sleep(0)
    assert incarnation in long_polls.joining()
    return held


async def test_a_join_is_answered_with_the_membership_once_its_generation_runs() -> None:
    long_polls = LongPolls()
    held = await hold(long_polls, "a0")
    long_polls.answer_joins(joined("a0"))
    assert not held.done()
    running = joined("a0", "a1")
    long_polls.answer_joins(running)
    assert await held == running.membership()
    assert isinstance(await held, Membership)
    assert long_polls.joining() == frozenset()


async def test_a_join_of_a_removed_process_is_rejected() -> None:
    long_polls = LongPolls()
    held = await hold(long_polls, "a0")
    long_polls.answer_joins(EMPTY)
    answer = await held
    assert isinstance(answer, Rejection)
    assert answer.surplus


async def test_a_join_without_an_answer_times_out() -> None:
    assert await LongPolls().hold_join("a0", 0.0) is None


async def test_a_process_holds_a_join_until_its_last_one_is_answered() -> None:
    long_polls = LongPolls()
    first, second = await hold(long_polls, "a0"), await hold(long_polls, "a0")
    first.cancel()
    await asyncio.wait([first])
    assert long_polls.joining() == {"a0"}
    second.cancel()
    await asyncio.wait([second])
    assert long_polls.joining() == frozenset()


async def test_heartbeats_are_answered_together() -> None:
    long_polls = LongPolls()
    held = [asyncio.create_task(long_polls.hold_heartbeat(NEVER_SECONDS)) for _ in range(2)]
    await asyncio.sleep(0)
    long_polls.answer_heartbeats()
    await asyncio.gather(*held)
    await long_polls.hold_heartbeat(0.0)
