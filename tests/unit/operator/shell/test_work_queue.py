"""A key is queued once and processed by one worker at a time; failures are retried with growing delays."""

import asyncio

from llmtrain_operator.shell.work_queue import CURRENT_KEY, Key, WorkQueue

A, B = Key("job", "ns", "a"), Key("job", "ns", "b")


async def test_a_key_added_twice_is_queued_once() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert len(queue) == 2
    assert [await queue.take(), await queue.take()] == [A, B]
    assert queue.ready.empty()


async def test_a_key_added_while_it_is_processed_is_queued_again_afterwards() -> None:
    queue = WorkQueue()
    queue.add(A)
    assert await queue.take() == A
    queue.add(A)
    assert queue.ready.empty(), "no other worker can take it at the same time"
    queue.done(A)
    assert await queue.take() == A


async def test_a_key_that_is_added_does_not_wait_for_its_timer() -> None:
    queue = WorkQueue()
    queue.add_after(A, 3600)
    queue.add(A)
    assert await asyncio.wait_for(queue.take(), 5) == A
    assert queue.timers == {}


async def test_the_delay_doubles_with_each_failure() -> None:
    queue, delays = WorkQueue(), []
    for _ in range(4):
        queue.processing.add(A)
        queue.failed(A)
        delays.append(queue.timers[A].when() - asyncio.get_running_loop().time())
    assert [round(delay, 1) for delay in delays] == [0.2, 0.5, 1.0, 2.0]
    queue.done(A)
    assert queue.failures == {}


async def test_the_server_can_ask_for_a_longer_delay() -> None:
    queue = WorkQueue()
    queue.failed(A, at_least_seconds=30)
    assert round(queue.timers[A].when() - asyncio.get_running_loop().time()) == 30


async def test_of_two_delays_the_one_that_ends_first_counts() -> None:
    queue = WorkQueue()
    queue.add_after(A, 1)
    first = queue.timers[A]
    queue.add_after(A, 3600)
    assert queue.timers[A] is first, "events that come more often than the delay do not put it off"
    queue.add_after(A, 0)
    assert queue.timers[A] is not first


async def test_a_key_of_low_priority_comes_last_and_can_be_raised() -> None:
    queue = WorkQueue()
    queue.add(A, low_priority=True)
    queue.add(B)
    assert (len(queue), await queue.take()) == (2, B)
    queue.add(A)
    assert (len(queue), await queue.take()) == (1, A)
    queue.done(A)
    assert len(queue) == 0
    queue.add(A)
    assert await queue.take() == A, "the entry that was void is skipped"


async def test_tasks_know_the_key_that_they_are_started_for() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.take()

    async def key_here() -> Key | None:
        return CURRENT_KEY.get()

    assert await asyncio.create_task(key_here()) == A
