"""The worker stage: pid 1 of a worker pod. It starts one trainer process a rank, and speaks for them when they die.

It never imports torch, so it is there at once and stays small.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from llmtrain_api.membership import Leave
from llmtrain_api.outcome import ExitCode, Outcome
from llmtrain_api.run import RunConfig
from llmtrain_trainer.elastic.coordinator import Coordinator
from llmtrain_trainer.elastic.place import INCARNATION, LOCAL_RANK, new_incarnation
from llmtrain_trainer.errors import TrainerError
from llmtrain_trainer.log import KEPT_LINES, Log

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)

Reason = Literal["Completed", "Stopped", "BadInput", "Crashed"]
REASONS: dict[int, Reason] = {
    ExitCode.SUCCESS: "Completed",
    ExitCode.BAD_INPUT: "BadInput",
    ExitCode.STOPPED: "Stopped",
}


@dataclass(frozen=True, kw_only=True)
class Child:
    """One trainer process."""

    local_rank: int
    incarnation: str
    process: subprocess.Popen[str]
    reader: threading.Thread


class Supervisor:
    """The trainer processes of one worker: the first that ends otherwise than well ends all."""

    def __init__(self, run: RunConfig, run_file: Path, dataset: str, log: Log) -> None:
        self._run, self._log = run, log
        self._command = [
            sys.executable, "-m", "llmtrain_trainer", "rank", "--run", str(run_file), "--dataset", dataset
        ]  # fmt: skip
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._children: dict[int, Child] = {}

    def supervise(self) -> Outcome:
        """Run the ranks to their end; return the worker's outcome."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._forward)
        children = [self._start(local_rank) for local_rank in range(self._run.ranks_per_worker)]
        code = 0
        while self._children:
            child, ended = self._reap()
            if ended != 0 and code == 0:
                code = ended
                self._mourn(child, ended)
                self._stop_all()
        for child in children:
            child.reader.join()
        return self._outcome(code)

    def _start(self, local_rank: int) -> Child:
        incarnation = new_incarnation()
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._run.threads_per_rank))
        process = subprocess.Popen(
            self._command,
            env={**os.environ, **threads, INCARNATION: incarnation, LOCAL_RANK: str(local_rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        reader = threading.Thread(target=self._pass_on, args=(process,), daemon=True)
        reader.start()
        child = Child(local_rank=local_rank, incarnation=incarnation, process=process, reader=reader)
        self._children[process.pid] = child
        return child

    def _pass_on(self, process: "subprocess.Popen[str]") -> None:
        """Copy the lines of a rank to standard output, keeping the last."""
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line.rstrip("\n"))
            sys.stdout.write(line)
            sys.stdout.flush()

    def _reap(self) -> tuple[Child, int]:
        """Wait for a rank to end. As pid 1 this also buries orphans, which are nobody's ranks."""
        while True:
            pid, status = os.waitpid(-1, 0)
            child = self._children.pop(pid, None)
            if child is not None:
                child.process.returncode = os.waitstatus_to_exitcode(status)
                return child, child.process.returncode

    def _mourn(self, child: Child, code: int) -> None:
        """Tell the coordinator of a rank that died without a word, so that no lease has to run out."""
        if code in (ExitCode.STOPPED,):
            return
        self._log.warning("rankDied", local_rank=child.local_rank, exit_code=code)
        coordinator = Coordinator(self._run.coordinator, self._run.uid)
        with contextlib.suppress(TrainerError):
            coordinator.leave(Leave(incarnation=child.incarnation, reason="Failed"))

    def _stop_all(self) -> None:
        for child in list(self._children.values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.process.pid, signal.SIGTERM)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        self._stop_all()

    def _outcome(self, code: int) -> Outcome:
        reason = REASONS.get(code, "Crashed")
        message = _last_message(self._lines) or _death_sentence(code)
        return Outcome(reason=reason, message=message, last_lines=list(self._lines))


def die_with_parent() -> None:
    """Make the kernel kill this process when its supervisor dies: a rank alone would hold up the others."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _death_sentence(code: int) -> str:
    if code < 0:
        return f"a trainer process was killed by {signal.Signals(-code).name}"
    return f"a trainer process ended with exit code {code}" if code else "trained to the end"


def _last_message(lines: deque[str]) -> str:
    """Return the sentence of the newest log line that says how a rank ended."""
    for line in reversed(lines):
        with contextlib.suppress(ValueError, AttributeError):
            entry = json.loads(line)
            if entry.get("event") in ("failed", "stopped"):
                return str(entry.get("message", ""))
    return ""
