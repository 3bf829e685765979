"""Sends progress to the coordinator from a background thread, so that a step never waits for the network."""

import threading
import time

from llmtrain_api.protocol import Progress
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable, StopRequested

SECONDS_BETWEEN = 0.25


class ProgressReporter:
    """Sends the first progress it is given and then the newest, at most a few times per second."""

    def __init__(self, coordinator: CoordinatorClient) -> None:
        self._coordinator = coordinator
        self._pending: list[Progress] = []
        self._sending = False
        self._changed = threading.Condition()
        self._first = True
        threading.Thread(target=self._send_all, name="reporter", daemon=True).start()

    def offer(self, progress: Progress) -> None:
        """Send `progress` soon, unless a newer one replaces it first."""
        with self._changed:
            self._pending = self._pending[:1] if self._first else []
            self._pending.append(progress)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until everything is sent, at most for `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending and not self._sending, seconds)

    def _send_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._pending))
                progress, self._sending = self._pending.pop(0), True
            delivered = self._send(progress)
            with self._changed:
                self._sending = False
                if not delivered and (self._first or not self._pending):
                    self._pending.insert(0, progress)
                self._first = self._first and not delivered
                self._changed.notify_all()
            time.sleep(SECONDS_BETWEEN)

    def _send(self, progress: Progress) -> bool:
        """Return whether it need not be sent again. A rejected message is of a generation that has ended."""
        try:
            self._coordinator.progress(progress)
        except CoordinatorUnavailable:
            return False
        except (BadInput, StopRequested):
            return True
        return True
