"""Heartbeats of one member, in a thread of their own: they tell that it lives, and hear if its generation is over."""

import threading
from types import TracebackType

from llmtrain_api.membership import HEARTBEAT_SECONDS, Heartbeat
from llmtrain_trainer.elastic.coordinator import Coordinator
from llmtrain_trainer.errors import TrainerError


class Pulse:
    """Beats while its `with` block runs. A coordinator that doesn't answer changes nothing: training goes on."""

    def __init__(self, coordinator: Coordinator, incarnation: str, generation: int) -> None:
        self.step = 0
        """Steps done, as the next beat tells it."""
        self._coordinator, self._incarnation, self._generation = coordinator, incarnation, generation
        self._changed, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    @property
    def changed(self) -> bool:
        """Return whether another generation holds, or will."""
        return self._changed.is_set()

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _beat(self) -> None:
        while not self._over.is_set():
            heartbeat = Heartbeat(incarnation=self._incarnation, generation=self._generation, step=self.step)
            try:
                if self._coordinator.heartbeat(heartbeat).generation != self._generation:
                    self._changed.set()
            except TrainerError:
                self._coordinator.close()
            self._over.wait(HEARTBEAT_SECONDS)
        self._coordinator.close()
