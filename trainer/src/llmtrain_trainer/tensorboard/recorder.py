"""Writes scalars in a thread: a step never waits for the volume, and an error never affects training."""

import contextlib
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import Progress
from llmtrain_trainer.tensorboard.event_file import EventFile
from llmtrain_trainer.tensorboard.scalars import EVALUATION, scalars

SCALARS_DIRECTORY = "tensorboard"
"""Directory below the job's own."""
MAX_QUEUED_STEPS = 1000
"""Length of the queue. When it is full, the oldest steps are dropped."""
WRITE_INTERVAL_SECONDS = 1.0
"""Time between two writes to the volume."""
BACKOFF_SECONDS = 60.0
"""Time after an error during which steps are dropped."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The progress after a step, with its time (seconds since 1970) and the term of the coordinator."""

    term: int
    progress: Progress
    time_seconds: float

    @property
    def generation(self) -> tuple[int, int]:
        """Return (term, generation), which is unique in the job: each term can count generations from 1."""
        return self.term, self.progress.generation


class SummaryWriterThread:
    """Writes steps to event files in `directory`, one file per generation."""

    def __init__(self, directory: Path, log: JsonLog, *, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._directory, self._log, self._backoff_seconds = directory, log, backoff_seconds
        self._queue: deque[Entry] = deque(maxlen=MAX_QUEUED_STEPS)
        self._writing = self._flushing = False
        self._changed = threading.Condition()
        self._file: EventFile | None = None
        self._generation: tuple[int, int] | None = None
        self._written_step = 0
        self._evaluated_step: int | None = None
        self._warned = False
        self._backoff_until = float("-inf")
        threading.Thread(target=self._run, name="tensorboard", daemon=True).start()

    def offer(self, term: int, progress: Progress) -> None:
        """Queue a step for writing. `term` is that of the coordinator of its generation."""
        entry = Entry(term=term, progress=progress, time_seconds=time.time())
        with self._changed:
            self._queue.append(entry)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until all queued steps are on the volume, but at most for `seconds`."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._queue and not self._writing, seconds)
            self._flushing = False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue))
                entries, self._writing = list(self._queue), True
                self._queue.clear()
            if time.monotonic() >= self._backoff_until:
                self._write(entries)
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._flushing, WRITE_INTERVAL_SECONDS)

    def _write(self, entries: list[Entry]) -> None:
        try:
            for entry in entries:
                self._add(self._file_of(entry), entry)
            if self._file is not None:
                self._file.flush()
            self._written_step = entries[-1].progress.step
        except Exception as error:  # no error of the scalars affects training
            self._back_off(error)

    def _file_of(self, entry: Entry) -> EventFile:
        """Return the file of the entry's generation: a new one for a new generation, and after an error."""
        if self._file is not None and self._generation == entry.generation:
            return self._file
        if self._file is not None:
            self._file.close()
        if self._generation != entry.generation:
            self._generation = entry.generation
            self._written_step = (
                entry.progress.generation_start.step if entry.progress.generation_start else entry.progress.step - 1
            )
        if self._evaluated_step is not None and self._evaluated_step > self._written_step:
            self._evaluated_step = None
        self._file = EventFile(
            self._directory,
            term=entry.term,
            generation=entry.progress.generation,
            replaces_from=self._written_step + 1,
            time_seconds=entry.time_seconds,
        )
        return self._file

    def _add(self, file: EventFile, entry: Entry) -> None:
        progress = entry.progress
        file.add(scalars(progress), step=progress.step, time_seconds=entry.time_seconds)
        evaluated, loss = progress.held_out_step, progress.held_out_loss
        if evaluated is not None and loss is not None and evaluated != self._evaluated_step:
            file.add({EVALUATION: loss}, step=evaluated, time_seconds=entry.time_seconds)
            self._evaluated_step = evaluated

    def _back_off(self, error: Exception) -> None:
        """Drop steps for a while, and close the file: its last record can be incomplete. Log only the first error."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None
        self._backoff_until = time.monotonic() + self._backoff_seconds
        if not self._warned:
            self._warned = True
            self._log.warning(
                TrainerEvent.SCALARS_FAILED, folder=str(self._directory), message=f"{type(error).__name__}: {error}"
            )
