"""Polling with a deadline, in place of sleeping."""

import time
from collections.abc import Callable

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.01


def eventually(condition: Callable[[], bool], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
    """Poll until `condition` holds. Raises AssertionError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)
