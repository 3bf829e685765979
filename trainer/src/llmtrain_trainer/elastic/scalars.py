"""TensorBoard's event files beside the checkpoints: the first rank's progress, written by a thread of its own.

A step never waits for the volume. What a full or broken volume refuses is lost to TensorBoard alone. Each process that
becomes the first rank begins a file; where it does steps again, TensorBoard is told to forget what came after them.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar

from llmtrain_api.membership import Progress
from llmtrain_trainer.log import Log

FOLDER = "tensorboard"
"""Below the job's own folder."""
SECONDS_BETWEEN = 0.25
"""Steps that follow each other faster aren't all written: encoding them would cost the training."""
FLUSH_SECONDS = 2.0
MOST_WAITING = 1000
"""Steps that may wait for the volume. Further ones are dropped."""
NEVER = 2**63
"""The step before a file: another process may have written steps that this one does again."""
AGAIN_SECONDS = 60.0
"""How long a volume that refused is left alone."""

Point = tuple[str, int, float]
"""Tag, step, value."""


class Curves:
    """Which points progress adds to the curves. An evaluation is told of with every step after it, and drawn once."""

    def __init__(self) -> None:
        self._drawn_at: float | None = None
        self._held_out_loss: float | None = None

    def points(self, progress: Progress, now_seconds: float) -> list[Point]:
        """Return the points of one step; none if the last were drawn just before and this isn't the end."""
        step = progress.step
        evaluated = progress.held_out_loss is not None and progress.held_out_loss != self._held_out_loss
        soon = self._drawn_at is not None and now_seconds - self._drawn_at < SECONDS_BETWEEN
        if soon and not evaluated and step != progress.steps:
            return []
        self._drawn_at, self._held_out_loss = now_seconds, progress.held_out_loss
        curves = {
            "train/loss": progress.loss,
            "train/learning_rate": progress.learning_rate,
            "train/gradient_norm": progress.gradient_norm,
            "speed/tokens_per_second": progress.tokens_per_second,
            "speed/mfu": progress.mfu,
            "evaluation/loss": progress.held_out_loss if evaluated else None,
        }
        return [(tag, step, value) for tag, value in curves.items() if value is not None]


class Scalars:
    """Writes the curves of one process."""

    def __init__(self, folder: Path, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._log, self._clock = folder, log, clock
        self._curves = Curves()
        self._waiting: queue.Queue[list[Point] | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._events: Any = None
        self._step = 0
        self._refused_at: float | None = None

    def offer(self, progress: Progress) -> None:
        """Have a step written soon; drop it if too many wait."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="scalars", daemon=True)
            self._thread.start()
        if points := self._curves.points(progress, self._clock()):
            with suppress(queue.Full):
                self._waiting.put_nowait(points)

    def close(self, seconds: float) -> None:
        """Write what waits, for at most some seconds."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._waiting.put(None, timeout=seconds)
                self._thread.join(seconds)

    def _write_all(self) -> None:
        while True:
            try:
                points = self._waiting.get(timeout=FLUSH_SECONDS)
            except queue.Empty:
                self._try(lambda: self._events.flush())
                continue
            if points is None:
                self._try(lambda: self._events.close())
                return
            self._try(partial(self._write, points), begin=True)

    def _try(self, write: Callable[[], None], *, begin: bool = False) -> None:
        """Do something to the file, unless there is none; leave a volume that refuses alone for a while."""
        if self._refused_at is not None and self._clock() - self._refused_at < AGAIN_SECONDS:
            return
        try:
            if self._events is None and begin:
                self._begin()
            if self._events is not None:
                write()
                self._refused_at = None
        except OSError as error:
            if self._refused_at is None:
                self._log.warning("scalarsFailed", message=str(error))
            self._refused_at, self._events = self._clock(), None

    def _begin(self) -> None:
        """Begin a file whose name nobody else has."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._events = EventsWriter(str(self._folder / "events"), filename_suffix=f".{time.time_ns()}")
        self._step = NEVER

    def _write(self, points: list[Point]) -> None:
        now, step = time.time(), points[0][1]
        if step <= self._step:
            self._events.write_event(Event(wall_time=now, step=step, session_log=SessionLog(status=SessionLog.START)))
        self._step = step
        for tag, _, value in points:
            self._events.write_event(Event(wall_time=now, step=step, summary=scalar(tag, value)))
