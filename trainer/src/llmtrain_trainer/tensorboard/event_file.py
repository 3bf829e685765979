"""An event file in TensorBoard's format: a sequence of checksummed protocol buffers."""

import socket
from collections.abc import Mapping
from pathlib import Path

from tensorboardX import RecordWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

VERSION = "brain.Event:2"
"""Version in the first record of every event file."""


class EventFile:
    """The event file of one generation. Data is on the volume after `flush`; each method can raise OSError.

    TensorBoard reads the files of a directory with `tfevents` in their names, in the order of their names.
    """

    def __init__(self, directory: Path, *, term: int, generation: int, replaces_from: int, time_seconds: float) -> None:
        """Create the file. It replaces earlier files from step `replaces_from` on."""
        order = f"{term:010d}.{generation:06d}.{replaces_from:09d}"
        directory.mkdir(parents=True, exist_ok=True)
        self._records = RecordWriter(
            str(directory / f"events.{order}.tfevents.{int(time_seconds)}.{socket.gethostname()}")
        )
        self._write(Event(wall_time=time_seconds, file_version=VERSION))
        start = SessionLog(status=SessionLog.START)
        self._write(Event(step=replaces_from, wall_time=time_seconds, session_log=start))

    def add(self, scalars: Mapping[str, float], *, step: int, time_seconds: float) -> None:
        """Append the scalars of a step, by tag."""
        values = [Summary.Value(tag=tag, simple_value=number) for tag, number in scalars.items()]
        self._write(Event(step=step, wall_time=time_seconds, summary=Summary(value=values)))

    def flush(self) -> None:
        """Flush all records to disk."""
        self._records.flush()

    def close(self) -> None:
        """Close the file. Records since the last flush can get lost in a crash."""
        self._records.close()

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())
