"""One child process: where its log goes, what it says of itself, and how it is ended."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_api.termination import ExitCode, TerminationMessage

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """What to start: one module of llmtrain with its arguments."""

    name: str
    """Names it in logs and sentences, such as "worker-0"."""
    arguments: Sequence[str]
    """Arguments of the Python interpreter."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExitStatus:
    """How a process ended."""

    part: str
    exit_code: int
    outcome: TerminationMessage | None

    @property
    def succeeded(self) -> bool:
        """Return whether it did what it was started for."""
        return self.exit_code == ExitCode.SUCCESS

    @property
    def sentence(self) -> str:
        """Return why it ended, for people."""
        return f"{self.part}: {self.outcome.message}" if self.outcome and self.outcome.message else self._death

    @property
    def _death(self) -> str:
        if self.exit_code < 0:
            return f"{self.part} was killed by {signal.Signals(-self.exit_code).name}"
        return f"{self.part} ended with exit code {self.exit_code}"


class Process:
    """A running part. It ends with this process, even if that is killed."""

    def __init__(self, part: ProcessSpec, process: asyncio.subprocess.Process, outcome_file: Path) -> None:
        self.part, self._process, self._outcome_file = part, process, outcome_file

    @classmethod
    async def start(cls, part: ProcessSpec, *, logs: Path, outcomes: Path) -> "Process":
        """Start a part, appending what it prints to its log."""
        outcome_file = outcomes / f"{part.name}.outcome"
        outcome_file.unlink(missing_ok=True)
        with (logs / f"{part.name}.jsonl").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *part.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **part.environment, "LLMTRAIN_TERMINATION_LOG": str(outcome_file)},
                start_new_session=True,  # Ctrl-C in the terminal is ours to answer
                preexec_fn=_die_with_parent,
            )
        return cls(part, process, outcome_file)

    async def end(self) -> ExitStatus:
        """Wait for the end. Whatever it leaves running ends too: a rank without its supervisor holds up the others."""
        code = await self._process.wait()
        self._kill_group()
        outcome = None
        with contextlib.suppress(OSError):
            outcome = TerminationMessage.from_message(self._outcome_file.read_text())
        return ExitStatus(part=self.part.name, exit_code=code, outcome=outcome)

    def ask_to_stop(self) -> None:
        """Send SIGTERM: a worker writes a checkpoint first."""
        self._signal(signal.SIGTERM)

    async def stop(self, deadline_seconds: float) -> None:
        """Ask to stop; kill whoever does not in time."""
        self.ask_to_stop()
        try:
            await asyncio.wait_for(self._process.wait(), deadline_seconds)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it now, with all it started."""
        self._kill_group()
        await self._process.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def _die_with_parent() -> None:
    """Make Linux kill this process when its parent dies; elsewhere this does nothing."""
    with contextlib.suppress(AttributeError):
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
