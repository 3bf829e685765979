"""Progress of the prepare stage in its log: a line every few seconds, whatever it is doing."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog

INTERVAL_SECONDS = 3.0


@dataclass
class Phase:
    """What is being done, and how much of it is done."""

    name: str
    of: int
    """Bytes of text."""
    done: int = 0
    """Bytes of text that are done; the thread that logs only reads it."""


@contextlib.contextmanager
def logged_phase(log: JsonLog, name: str, of: int, *, interval_seconds: float = INTERVAL_SECONDS) -> Iterator[Phase]:
    """Yield a phase that is logged every `interval_seconds` until the block ends."""
    phase, ended, started_at = Phase(name, of), threading.Event(), time.monotonic()

    def report() -> None:
        while not ended.wait(interval_seconds):
            log.info(
                TrainerEvent.PREPARE_PROGRESSED,
                phase=phase.name,
                bytes=phase.done,
                of=phase.of,
                seconds=round(time.monotonic() - started_at, 1),
            )

    thread = threading.Thread(target=report, name="progress", daemon=True)
    thread.start()
    try:
        yield phase
    finally:
        ended.set()
        thread.join()
