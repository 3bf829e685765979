"""Progress lines on standard error. Standard output is reserved for results that other programs read."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

REPORT_SECONDS = 20.0
"""Interval of the lines about a step that is still running."""


def log(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title of a step, then its elapsed time every REPORT_SECONDS and at the end."""
    started = time.monotonic()
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(REPORT_SECONDS):
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
