"""Scalars, written by a thread of its own: a step never waits for the volume, and an error costs the scalars alone."""

import contextlib
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.protocol import Progress
from llmtrain_trainer.log import Log
from llmtrain_trainer.tensorboard.event_file import EventFile
from llmtrain_trainer.tensorboard.scalars import EVALUATION, scalars

FOLDER = "tensorboard"
"""Folder below the job's own."""
MOST_WAITING = 1000
"""Steps that wait for the volume; when there are more, the oldest are left out."""
SECONDS_BETWEEN = 1.0
"""Time between two writes to the volume."""
REST_SECONDS = 60.0
"""How long nothing is tried after an error."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Progress after a step, and when and under which coordinator that was."""

    term: int
    progress: Progress
    time_seconds: float

    @property
    def generation(self) -> tuple[int, int]:
        """Return which generation of the whole job this is from: numbers are given out anew in a new term."""
        return self.term, self.progress.generation


class SummaryWriterThread:
    """Writes each step that it is given to event files in `folder`, one file a generation."""

    def __init__(self, folder: Path, log: Log, *, rest_seconds: float = REST_SECONDS) -> None:
        self._folder, self._log, self._rest_seconds = folder, log, rest_seconds
        self._waiting: deque[Entry] = deque(maxlen=MOST_WAITING)
        self._writing = self._hurried = False
        self._changed = threading.Condition()
        self._file: EventFile | None = None
        self._generation: tuple[int, int] | None = None
        self._kept = 0
        self._evaluated: int | None = None
        self._warned = False
        self._resting_until = float("-inf")
        threading.Thread(target=self._write_all, name="recorder", daemon=True).start()

    def offer(self, term: int, progress: Progress) -> None:
        """Have a step written soon. It belongs to a generation of the coordinator of this term."""
        entry = Entry(term=term, progress=progress, time_seconds=time.time())
        with self._changed:
            self._waiting.append(entry)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until everything is on the volume, but at most for `seconds`."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting and not self._writing, seconds)
            self._hurried = False

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                entries, self._writing = list(self._waiting), True
                self._waiting.clear()
            if time.monotonic() >= self._resting_until:
                self._write(entries)
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._hurried, SECONDS_BETWEEN)

    def _write(self, entries: list[Entry]) -> None:
        try:
            for entry in entries:
                self._add(self._file_of(entry), entry)
            if self._file is not None:
                self._file.flush()
            self._kept = entries[-1].progress.step
        except Exception as error:  # whatever it is: the training needs none of this
            self._rest(error)

    def _file_of(self, entry: Entry) -> EventFile:
        """Return the file of the entry's generation. One after an error goes on in another file."""
        if self._file is not None and self._generation == entry.generation:
            return self._file
        if self._file is not None:
            self._file.close()
        if self._generation != entry.generation:
            self._generation = entry.generation
            self._kept = (
                entry.progress.generation_start.step if entry.progress.generation_start else entry.progress.step - 1
            )
        if self._evaluated is not None and self._evaluated > self._kept:
            self._evaluated = None
        self._file = EventFile(
            self._folder,
            term=entry.term,
            generation=entry.progress.generation,
            replaces_from=self._kept + 1,
            time_seconds=entry.time_seconds,
        )
        return self._file

    def _add(self, file: "EventFile", entry: Entry) -> None:
        progress = entry.progress
        file.add(scalars(progress), step=progress.step, time_seconds=entry.time_seconds)
        evaluated, loss = progress.held_out_step, progress.held_out_loss
        if evaluated is not None and loss is not None and evaluated != self._evaluated:
            file.add({EVALUATION: loss}, step=evaluated, time_seconds=entry.time_seconds)
            self._evaluated = evaluated

    def _rest(self, error: Exception) -> None:
        """Leave out what comes in the next while. A file whose end is torn is not written to any more."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None
        self._resting_until = time.monotonic() + self._rest_seconds
        if not self._warned:
            self._warned = True
            self._log.warning("scalarsNotWritten", folder=str(self._folder), message=f"{type(error).__name__}: {error}")
