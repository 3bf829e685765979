"""The user's program as a process: its lines are passed on, and it ends with this process at the latest."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

from llmtrain_trainer.parent_death import die_with_parent

LAST_WORDS_SECONDS = 1.0
"""How long what is left in the pipe is read after the end; a process of its own that it left behind may hold it open."""


class ProgramProcess:
    """One run of the program, with a process group of its own. Started in the main thread, whose end would kill it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], hear: Callable[[str], None]) -> None:
        self.last_line = ""
        """The last line it wrote that isn't empty: of a Python program that fails, what went wrong."""
        self._hear = hear
        self._process = subprocess.Popen(
            list(command),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=die_with_parent,
        )
        self._reader = threading.Thread(target=self._read, name="script", daemon=True)
        self._reader.start()

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs; that of a signal is negative."""
        return self._process.poll()

    def terminate(self, grace_seconds: float) -> None:
        """Ask it to stop, kill it and all it started if it does not in time."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        self.kill_and_reap()

    def kill_and_reap(self) -> None:
        """Kill what it left running, and read what it said to its end."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(LAST_WORDS_SECONDS)
        if not self._reader.is_alive() and self._process.stdout is not None:
            self._process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last_line = line.strip() or self.last_line
            self._hear(line)
