"""A program in a terminal of its own, which a test closes as a user closes a window."""

import fcntl
import os
import subprocess
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Terminal:
    """A pseudo-terminal and the program that it controls."""

    def __init__(self, command: Sequence[str]) -> None:
        self._master, slave = os.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._open = True

    def close(self) -> None:
        """Close the terminal: the kernel sends SIGHUP to the program, whose output fails from now on."""
        if self._open:
            self._open = False
            os.close(self._master)


@contextmanager
def terminal(command: Sequence[str]) -> Iterator[Terminal]:
    """Run a program in a terminal; it is killed at the end of the context if it still runs."""
    window = Terminal(command)
    try:
        yield window
    finally:
        window.close()
        if window.process.poll() is None:
            window.process.kill()
            window.process.wait()
