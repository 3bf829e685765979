"""A coroutine in a thread of its own ends as a task would: with its result, its error or a cancellation."""

import asyncio
import threading

import pytest

from llmtrain_operator.shell.own_thread import run_in_thread


async def test_it_runs_in_another_thread_and_its_error_is_raised() -> None:
    threads = []

    async def fail() -> None:
        threads.append(threading.current_thread())
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await run_in_thread(fail)
    assert threads != [threading.current_thread()]


async def test_it_is_cancelled_and_its_end_is_waited_for() -> None:
    loop, started, ended = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    async def work() -> None:
        loop.call_soon_threadsafe(started.set)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)  # such as a last request
            ended.set()

    task = asyncio.create_task(run_in_thread(work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
