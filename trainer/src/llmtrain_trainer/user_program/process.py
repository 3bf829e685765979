"""The user's program as a process: its output is passed on, and it ends with this process at the latest."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from llmtrain_api.parent_death import die_with_parent
from llmtrain_trainer.output_lines import pass_on_lines

STACK_DUMP_SECONDS = 2.0
"""How long a program that is aborted has to write the stacks of its threads."""
DRAIN_SECONDS = 1.0
"""How long the rest of the output is read after the exit: a process that the program started can hold the pipe open."""


class ProgramProcess:
    """One run of the program, in its own process group.

    Create it in the main thread: the program is killed when the thread that started it ends.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]) -> None:
        self.last_line = ""
        """The last line of output that is not empty: of a Python program that fails, the error."""
        self._on_line = on_line
        self._last_output = time.monotonic()
        self._process = subprocess.Popen(
            list(command),
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=die_with_parent,
        )
        self._reader = threading.Thread(target=self._read, name="program-output", daemon=True)
        self._reader.start()

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None while the program runs."""
        return self._process.poll()

    @property
    def silent_seconds(self) -> float:
        """Return the seconds since the program wrote a line or drew one again, or was started."""
        return time.monotonic() - self._last_output

    def abort(self) -> None:
        """Kill a program that hangs. Python's fault handler writes the stacks of its threads before."""
        self._signal(signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STACK_DUMP_SECONDS)
        self.kill_and_reap()

    def terminate(self, grace_seconds: float) -> None:
        """Ask the program to stop; after the grace period, kill it and all processes that it started."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        self.kill_and_reap()

    def kill_and_reap(self) -> None:
        """Kill every process that is left, and read the output to its end."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(DRAIN_SECONDS)
        if not self._reader.is_alive() and self._process.stdout is not None:
            self._process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        pass_on_lines(self._process.stdout, self._pass_on, self._record_output)

    def _pass_on(self, line: str) -> None:
        self.last_line = line.strip() or self.last_line
        self._on_line(line)

    def _record_output(self) -> None:
        self._last_output = time.monotonic()
