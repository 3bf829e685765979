"""One child process: its log file, its termination message, its exit status, and how it is stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_api.parent_death import die_with_parent
from llmtrain_api.termination import ExitCode, TerminationMessage, signal_name


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """What to start: a Python module of llmtrain with its arguments."""

    name: str
    """Identifies the process in log file names and messages, such as "worker-0"."""
    arguments: Sequence[str]
    """Arguments of the Python interpreter."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to this process' environment."""


@dataclass(frozen=True, kw_only=True)
class ExitStatus:
    """How a process exited."""

    process: str
    """Name of the process, as in ProcessSpec."""
    exit_code: int
    """Negative if a signal killed the process."""
    outcome: TerminationMessage | None

    @property
    def succeeded(self) -> bool:
        """Return whether the process exited successfully."""
        return self.exit_code == ExitCode.SUCCESS

    @property
    def message(self) -> str:
        """Return why the process exited: its termination message, or its exit code or signal."""
        if self.outcome and self.outcome.message:
            return f"{self.process}: {self.outcome.message}"
        if self.exit_code < 0:
            return f"{self.process} was killed by {signal_name(-self.exit_code)}"
        return f"{self.process} ended with exit code {self.exit_code}"


class Process:
    """A running child process. The kernel kills it when this process exits for any reason."""

    def __init__(self, spec: ProcessSpec, process: asyncio.subprocess.Process, outcome_file: Path) -> None:
        self.spec, self._process, self._outcome_file = spec, process, outcome_file

    @classmethod
    async def start(cls, spec: ProcessSpec, *, logs: Path, outcomes: Path) -> "Process":
        """Start a process. Its output is appended to `logs`/NAME.jsonl; its termination message is below `outcomes`."""
        outcome_file = outcomes / f"{spec.name}.outcome"
        outcome_file.unlink(missing_ok=True)
        with (logs / f"{spec.name}.jsonl").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *spec.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **spec.environment, "LLMTRAIN_TERMINATION_LOG": str(outcome_file)},
                start_new_session=True,  # Ctrl-C in the terminal reaches this process alone
                preexec_fn=die_with_parent,
            )
        return cls(spec, process, outcome_file)

    async def wait(self) -> ExitStatus:
        """Wait for the exit, then kill the process group: a rank without its supervisor would block the other ranks."""
        code = await self._process.wait()
        self._kill_group()
        outcome = None
        with contextlib.suppress(OSError, UnicodeDecodeError):  # a process can be killed while it writes
            outcome = TerminationMessage.from_message(self._outcome_file.read_text())
        return ExitStatus(process=self.spec.name, exit_code=code, outcome=outcome)

    async def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM, on which a worker writes a checkpoint; kill the process if it runs after `grace_seconds`."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_seconds)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill the process and everything it started, and wait for its exit."""
        self._kill_group()
        await self._process.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
