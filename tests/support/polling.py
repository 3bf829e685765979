"""Polling with a deadline, in place of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.01
Value = TypeVar("Value")


def eventually(
    probe: Callable[[], Value],
    what: str,
    *,
    seconds: float = DEADLINE_SECONDS,
    interval: float = POLL_SECONDS,
    details: Callable[[], str] = lambda: "",
) -> Value:
    """Call `probe` until it returns a true value, and return that.

    Raises AssertionError naming `what`, followed by `details`, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (value := probe()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}\n{details()}".strip()
        time.sleep(interval)
    return value
