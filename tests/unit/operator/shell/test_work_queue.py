"""Keys come once, one worker has a key at a time, failures come ever more slowly."""

import asyncio

from llmtrain_operator.shell.work_queue import Key, WorkQueue

A, B = Key("job", "ns", "a"), Key("job", "ns", "b")


async def test_a_key_added_twice_comes_once() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert [await queue.take(), await queue.take()] == [A, B]
    assert queue.ready.empty()


async def test_a_key_added_while_busy_comes_again_when_done() -> None:
    queue = WorkQueue()
    queue.add(A)
    assert await queue.take() == A
    queue.add(A)
    assert queue.ready.empty(), "nobody else may have it meanwhile"
    queue.done(A)
    assert await queue.take() == A


async def test_a_new_event_comes_before_a_timer() -> None:
    queue = WorkQueue()
    queue.add_after(A, 3600)
    queue.add(A)
    assert await asyncio.wait_for(queue.take(), 5) == A
    assert queue.timers == {}


async def test_failures_wait_longer_each_time() -> None:
    queue, delays = WorkQueue(), []
    for _ in range(4):
        queue.processing.add(A)
        queue.failed(A)
        delays.append(queue.timers[A].when() - asyncio.get_running_loop().time())
    assert [round(delay, 1) for delay in delays] == [0.2, 0.5, 1.0, 2.0]
    queue.done(A)
    assert queue.failures == {}
