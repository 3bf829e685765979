"""SIGTERM and SIGINT: while training they are a wish, taken up at the next step boundary; while waiting an end."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from llmtrain_trainer.errors import StopRequested


class StopSignal:
    """Whether this process was asked to stop. Made in the main thread, once."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._finishing = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    @property
    def asked(self) -> bool:
        """Return whether this process was asked to stop."""
        return self._asked.is_set()

    def pause(self, seconds: float) -> None:
        """Wait; StopRequested as soon as this process is asked to stop."""
        self._asked.wait(seconds)
        self._raise()

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Let what is inside end by itself; everywhere else a signal raises StopRequested at once."""
        self._raise()
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()
        if not self._finishing:
            self._raise()

    def _raise(self) -> None:
        if self.asked:
            raise StopRequested("stopped as asked; the newest checkpoint is where it goes on")
