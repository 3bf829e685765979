"""A coordinator for unit tests of the threads that talk to one."""

import threading
from collections.abc import Callable

from llmtrain_api.protocol import CurrentGeneration, Heartbeat, Progress
from llmtrain_trainer.errors import CoordinatorUnavailable

TIMEOUT_SECONDS = 10.0


class FakeCoordinatorClient:
    """Answers each request with a generation, or fails; signals when there were `enough` requests."""

    def __init__(self, generation_of: Callable[[int], int | None], enough: int) -> None:
        self.steps: list[int] = []
        """The step in each request."""
        self.done = threading.Event()
        self._generation_of, self._enough = generation_of, enough

    def heartbeat(self, heartbeat: Heartbeat) -> CurrentGeneration:
        return self._answer(heartbeat.step)

    def progress(self, progress: Progress) -> CurrentGeneration:
        return self._answer(progress.step)

    def close(self) -> None:
        pass

    def _answer(self, step: int) -> CurrentGeneration:
        """Return the generation for this request, counted from 1. CoordinatorUnavailable if it is None."""
        self.steps.append(step)
        if len(self.steps) >= self._enough:
            self.done.set()
        generation = self._generation_of(len(self.steps))
        if generation is None:
            raise CoordinatorUnavailable("connection refused")
        return CurrentGeneration(generation=generation)
