"""SIGTERM, SIGINT and SIGHUP: deferred to the next step boundary while training, immediate otherwise."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from llmtrain_api.stop_signals import stop_signals
from llmtrain_trainer.errors import StopRequested


class StopSignal:
    """Whether a stop of this process was requested. Create it once, in the main thread."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._deferring = False
        for number in stop_signals():
            signal.signal(number, self._request)

    @property
    def requested(self) -> bool:
        """Return whether a stop was requested."""
        return self._requested.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep. StopRequested as soon as a stop is requested."""
        self._requested.wait(seconds)
        self._raise_if_requested()

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the block complete. Outside such a block, a signal raises StopRequested at once."""
        self._raise_if_requested()
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def _request(self, number: int, frame: FrameType | None) -> None:
        self._requested.set()
        if not self._deferring:
            self._raise_if_requested()

    def _raise_if_requested(self) -> None:
        if self.requested:
            raise StopRequested("stopped on request; training resumes from the newest checkpoint")
