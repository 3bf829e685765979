"""One event file, as TensorBoard reads it."""

import socket
from collections.abc import Mapping
from pathlib import Path

from tensorboardX import RecordWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

VERSION = "brain.Event:2"
"""What the first record of every event file says."""


class EventFile:
    """A file of one generation. Nothing is sure to be on the volume before `flush`; each method raises OSError.

    TensorBoard takes a file by the word `tfevents` in its name, and reads those of a folder in the order of their names.
    """

    def __init__(self, folder: Path, *, term: int, generation: int, replaces_from: int, time_seconds: float) -> None:
        """Begin a file. What files before it say of the step `replaces_from` and later ones is void."""
        order = f"{term:010d}.{generation:06d}.{replaces_from:09d}"
        folder.mkdir(parents=True, exist_ok=True)
        self._records = RecordWriter(
            str(folder / f"events.{order}.tfevents.{int(time_seconds)}.{socket.gethostname()}")
        )
        self._write(Event(wall_time=time_seconds, file_version=VERSION))
        start = SessionLog(status=SessionLog.START)
        self._write(Event(step=replaces_from, wall_time=time_seconds, session_log=start))

    def add(self, scalars: Mapping[str, float], *, step: int, time_seconds: float) -> None:
        """Add what is known of a step, by tag."""
        values = [Summary.Value(tag=tag, simple_value=number) for tag, number in scalars.items()]
        self._write(Event(step=step, wall_time=time_seconds, summary=Summary(value=values)))

    def flush(self) -> None:
        """Write all of it to disk."""
        self._records.flush()

    def close(self) -> None:
        """End the file; what was added since the last flush may get lost in a crash."""
        self._records.close()

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())
