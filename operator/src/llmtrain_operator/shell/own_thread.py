"""Runs a coroutine in a thread with an event loop of its own, so that it does not wait while other tasks compute."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any


async def run_in_thread(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Await `function()` in another thread. If this is cancelled, so is that, and its end is waited for.

    What it awaits, such as a connection, must be created in it, because it belongs to the other event loop.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(function())
    ended = asyncio.create_task(asyncio.to_thread(run_until_ended, loop, task))
    try:
        await asyncio.shield(ended)
    except asyncio.CancelledError:
        with contextlib.suppress(RuntimeError):  # it has ended just now
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait([ended])
        raise


def run_until_ended(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Run an event loop until a task of it has ended."""
    try:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    finally:
        loop.close()
