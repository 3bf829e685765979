"""The worker stage: pid 1 of a worker pod. It keeps the trainer processes going, and speaks for them when they die.

A rank that crashes is replaced in place by a spare that has torch imported already, while the other workers train on.
One that halts or hangs is killed, so that it can be replaced. Only when that happens too often does the worker give up, and
leaves the rest to the operator. The supervisor never imports torch, so it is there at once and stays small.
"""

import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Literal

from llmtrain_api.protocol import Leave
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.log import KEPT_LINES, Log
from llmtrain_trainer.worker.rank_process import RankProcess

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TICK_SECONDS = 0.02
SPARE_AFTER_SECONDS = 5.0
"""When a spare is started: the ranks that begin need the processor more."""
HALTED_SECONDS = 2.0
"""How long a rank may stand halted; the others have gone on without it by then."""
LAST_STACK_SECONDS = 1.0
"""How long a hung rank has to write down where it stands before it is killed."""
LAST_LINES, LONGEST_LINE = 5, 500
"""How much of a log goes with the word of a death."""
MOST_RESTARTS, RESTART_WINDOW_SECONDS = 5, 60.0
"""A worker whose ranks crash more often within the window gives up."""

Reason = Literal["Completed", "Stopped", "BadInput", "Crashed"]
REASONS: dict[int, Reason] = {
    ExitCode.SUCCESS: "Completed",
    ExitCode.BAD_INPUT: "BadInput",
    ExitCode.STOPPED: "Stopped",
}


class Supervisor:
    """The trainer processes of one worker."""

    def __init__(self, run: RunConfig, run_file: Path, dataset: str, log: Log) -> None:
        self._run, self._log = run, log
        self._command = [sys.executable, "-m", "llmtrain_trainer", "rank", "--run", str(run_file), "--dataset", dataset]
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._ranks: dict[int, RankProcess] = {}
        self._spare: RankProcess | None = None
        self._spare_due = 0.0
        self._halted_since: dict[int, float] = {}
        self._hung_since: dict[int, float] = {}
        self._killed_after: dict[int, float] = {}
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._stopping, self._code = False, 0

    def supervise(self) -> TerminationMessage:
        """Run the ranks to their end; return the worker's outcome."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._forward)
        for local_rank in range(self._run.ranks_per_worker):
            self._start(local_rank)
        while self._ranks:
            self._reap()
            self._kill_halted()
            self._kill_hung()
            self._keep_spare()
            time.sleep(TICK_SECONDS)
        if self._spare is not None:
            self._spare.signal(signal.SIGKILL)
        return self._outcome(self._code)

    def _start(self, local_rank: int) -> None:
        """Have a process train: the spare if there is one."""
        child, self._spare = self._spare or self._launch(), None
        child.assign_rank(local_rank)
        self._ranks[child.pid] = child
        self._spare_due = time.monotonic() + SPARE_AFTER_SECONDS
        if self._stopping:  # asked to while it was being started
            child.signal(signal.SIGTERM)

    def _launch(self) -> RankProcess:
        return RankProcess(self._command, dict.fromkeys(THREAD_VARIABLES, str(self._run.threads_per_rank)), self._hear)

    def _hear(self, line: str) -> None:
        """Copy a line of a rank to standard output, and keep the last."""
        self._lines.append(line.rstrip("\n"))
        self._log.pass_on(line)

    def _keep_spare(self) -> None:
        if self._spare is None and not self._stopping and time.monotonic() >= self._spare_due:
            self._spare = self._launch()

    def _kill_halted(self) -> None:
        """Kill a rank that stands halted: as long as it exists nothing takes its place."""
        now = time.monotonic()
        halted = {pid for pid, child in self._ranks.items() if child.stopped}
        self._halted_since = {pid: self._halted_since.get(pid, now) for pid in halted}
        for pid, since in self._halted_since.items():
            if now - since >= HALTED_SECONDS:
                self._log.warning("rankHalted", local_rank=self._ranks[pid].local_rank, seconds=HALTED_SECONDS)
                self._killed_after[pid] = HALTED_SECONDS
                self._ranks[pid].signal(signal.SIGKILL)

    def _kill_hung(self) -> None:
        """Kill a rank that gets on no more, after it has written down where it stands."""
        now, most = time.monotonic(), self._run.hang_seconds
        for pid, child in self._ranks.items():
            if pid in self._hung_since:
                if now - self._hung_since[pid] >= LAST_STACK_SECONDS:
                    self._killed_after[pid] = most + LAST_STACK_SECONDS
                    child.signal(signal.SIGKILL)
            elif child.watch.silent_seconds() >= most:
                self._log.warning("rankHung", local_rank=child.local_rank, seconds=most)
                self._hung_since[pid] = now
                child.signal(signal.SIGUSR1)
        self._hung_since = {pid: since for pid, since in self._hung_since.items() if pid in self._ranks}

    def _reap(self) -> None:
        """Bury every process that has ended. As pid 1 this also buries orphans, which are nobody's ranks."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if self._spare is not None and pid == self._spare.pid:
                    self._spare.reaped(status)
                    self._spare, self._spare_due = None, time.monotonic() + SPARE_AFTER_SECONDS
                elif (child := self._ranks.pop(pid, None)) is not None:
                    self._on_exit(child, child.reaped(status))

    def _on_exit(self, child: RankProcess, code: int) -> None:
        """Do what the end of a rank asks for: nothing, another one in its place, or the end of the worker."""
        if code == 0:
            return
        if self._stopping and code == -signal.SIGTERM:  # it had not yet come so far as to heed it
            code = ExitCode.STOPPED
        again = self._worth_a_restart(code)
        self._report_exit(child, code, self._killed_after.pop(child.pid, 0.0), replaced=again)
        if again:
            self._start(child.local_rank)
        else:
            self._code = self._code or code
            self._stop_all()

    def _worth_a_restart(self, code: int) -> bool:
        if self._stopping or code in (ExitCode.BAD_INPUT, ExitCode.STOPPED):
            return False
        if self._run.entrypoint is not None and code == ExitCode.FAILURE:  # the user's program failed: let it be seen
            return False
        now = time.monotonic()
        if len(self._restarts) == MOST_RESTARTS and now - self._restarts[0] < RESTART_WINDOW_SECONDS:
            return False
        self._restarts.append(now)
        return True

    def _report_exit(self, child: RankProcess, code: int, silent_seconds: float, *, replaced: bool) -> None:
        """Tell the coordinator of a rank that died without a word, so that no lease has to run out.

        How it died is told only if it is replaced here: otherwise the end of this worker says so.
        """
        if code == ExitCode.STOPPED:
            return
        self._log.warning("rankDied", local_rank=child.local_rank, exit_code=code)
        leave = Leave(
            incarnation=child.incarnation,
            reason="Failed",
            exit_code=code if replaced else None,
            message=_ending_sentence(code, self._lines),
            last_lines=[line[:LONGEST_LINE] for line in list(self._lines)[-LAST_LINES:]],
            unresponsive_seconds=silent_seconds,
        )
        CoordinatorClient(self._run.coordinator, self._run.uid).leave_best_effort(leave)

    def _stop_all(self) -> None:
        self._stopping = True
        for child in list(self._ranks.values()):
            child.signal(signal.SIGTERM)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        self._stop_all()

    def _outcome(self, code: int) -> TerminationMessage:
        reason = REASONS.get(code, "Crashed")
        message = _ending_sentence(code, self._lines)
        own_code = _own_exit_code(self._lines) if reason == "Crashed" else None
        return TerminationMessage(reason=reason, message=message, last_lines=list(self._lines), exit_code=own_code)


def _ending_sentence(code: int, lines: deque[str]) -> str:
    """Return how a rank ended: in its own words if it had any."""
    if code > 0 and (message := _last_message(lines)):
        return message
    if code < 0:
        return f"a trainer process was killed by {signal.Signals(-code).name}"
    return f"a trainer process ended with exit code {code}" if code else "trained to the end"


def _last_message(lines: deque[str]) -> str:
    """Return the sentence of the newest log line that says how a rank ended."""
    return next((str(entry.get("message", "")) for entry in _endings(lines, "failed", "stopped")), "")


def _own_exit_code(lines: deque[str]) -> int | None:
    """Return the exit code of the user's program, if a rank said so at its end."""
    codes = (entry.get("exitCode") for entry in _endings(lines, "failed"))
    return next((code for code in codes if isinstance(code, int)), None)


def _endings(lines: deque[str], *events: str) -> Iterator[dict[str, object]]:
    """Yield the log lines that say how a rank ended, the newest first."""
    for line in reversed(lines):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("event") in events:
                yield entry
