"""Heartbeats and progress run beside the training: silence of the coordinator changes nothing in it."""

import threading
from collections.abc import Callable

from llmtrain_api.protocol import CurrentGeneration, Heartbeat, Member, Membership, Progress
from llmtrain_trainer.distributed.heartbeat import HeartbeatThread
from llmtrain_trainer.errors import CoordinatorUnavailable
from llmtrain_trainer.trainer.progress_reporter import ProgressReporter

PATIENCE_SECONDS = 10.0
ME = Member(worker=0, local_rank=0, incarnation="me", address="127.0.0.1", store_port=1)
MEMBERSHIP = Membership(generation=4, members=[ME])


class Coordinator:
    """Answers as told, and says when it has heard enough."""

    def __init__(self, answer: Callable[[int], int], enough: int) -> None:
        self.heard: list[int] = []
        self.done = threading.Event()
        self._answer, self._enough = answer, enough

    def heartbeat(self, heartbeat: Heartbeat) -> CurrentGeneration:
        return self._hear(heartbeat.step)

    def progress(self, progress: Progress) -> CurrentGeneration:
        return self._hear(progress.step)

    def close(self) -> None:
        pass

    def _hear(self, step: int) -> CurrentGeneration:
        self.heard.append(step)
        if len(self.heard) >= self._enough:
            self.done.set()
        generation = self._answer(len(self.heard))
        if generation < 0:
            raise CoordinatorUnavailable("nobody there")
        return CurrentGeneration(generation=generation)


def progress(step: int) -> Progress:
    return Progress(
        generation=1,
        step=step,
        steps=9,
        loss=1.0,
        learning_rate=0.1,
        gradient_norm=1.0,
        tokens=1,
        tokens_per_second=1.0,
    )


def test_another_generation_is_noticed() -> None:
    coordinator = Coordinator(lambda number: 4 if number < 2 else 5, enough=3)
    with HeartbeatThread(coordinator, ME, MEMBERSHIP) as pulse:  # type: ignore[arg-type]
        assert coordinator.done.wait(PATIENCE_SECONDS)
        assert pulse.changed


def test_silence_is_no_change() -> None:
    coordinator = Coordinator(lambda number: -1, enough=2)
    with HeartbeatThread(coordinator, ME, MEMBERSHIP) as pulse:  # type: ignore[arg-type]
        assert coordinator.done.wait(PATIENCE_SECONDS)
        assert not pulse.changed


def test_the_first_and_the_newest_progress_get_through_an_outage() -> None:
    coordinator = Coordinator(lambda number: -1 if number < 2 else 1, enough=3)
    reporter = ProgressReporter(coordinator)  # type: ignore[arg-type]
    for step in (1, 2, 3):
        reporter.offer(progress(step))
    reporter.flush(PATIENCE_SECONDS)
    assert coordinator.heard == [1, 1, 3]
