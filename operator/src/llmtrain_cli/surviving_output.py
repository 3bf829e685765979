"""Standard output and error that outlive their reader: a run continues, or stops well, without its terminal."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO


class SurvivingStream(io.TextIOBase):
    """Writes to a stream until that fails, and from then on nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; it is lost if there is no reader any more."""
        with self._until_it_fails():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        with self._until_it_fails():
            self._stream.flush()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the stream."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the stream."""
        return self._stream.encoding

    @contextlib.contextmanager
    def _until_it_fails(self) -> Iterator[None]:
        """Catch OSError: EIO of a terminal that was closed, EPIPE of a program such as `head` that has ended.

        The file descriptor then leads to the null device, so that what is still buffered can be flushed at the exit.
        """
        try:
            yield
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            with contextlib.suppress(OSError):
                os.dup2(null, self._stream.fileno())
            os.close(null)


@contextlib.contextmanager
def surviving_output() -> Iterator[None]:
    """Let output within the context be lost instead of failing once it has no reader."""
    with (
        contextlib.redirect_stdout(SurvivingStream(sys.stdout)),
        contextlib.redirect_stderr(SurvivingStream(sys.stderr)),
    ):
        yield
