"""Says on standard error what is being done, and every 20 s that it still is.

Standard output is left to results that other programs read.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 20.0


def log(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a piece of work, report while it lasts, and say how long it took."""
    started = time.monotonic()
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(HEARTBEAT_SECONDS):
            log(f"  … {title}: {time.monotonic() - started:.0f} s so far")

    log(f"▸ {title}")
    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        finished.set()
        reporter.join()
        log(f"  {time.monotonic() - started:.1f} s")
