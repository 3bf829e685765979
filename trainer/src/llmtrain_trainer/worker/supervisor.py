"""The worker stage: pid 1 of a worker pod, which starts, watches and restarts the pod's rank processes.

A rank that crashes is replaced in place by a spare that has already imported torch, while the other workers continue.
A rank that is frozen or hangs is killed, so that it can be replaced. After too many restarts the worker exits, and
recovery is up to the operator. The supervisor reports failed ranks to the coordinator, so that no lease has to expire.
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
from typing import Any

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import RECENT_LINES, JsonLog
from llmtrain_api.printable import printable, printable_lines
from llmtrain_api.protocol import Leave
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stop_signals import stop_signals
from llmtrain_api.termination import EndReason, ExitCode, TerminationMessage, signal_name
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.worker.rank_process import RankProcess

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
RESOLVER_OPTIONS = "timeout:1 attempts:3"
"""As in the pods of a job: torch looks up the name of each address that it connects to, and a packet can be lost."""
TICK_SECONDS = 0.02
SPARE_AFTER_SECONDS = 5.0
"""Delay before a spare is started: starting ranks need the processor more."""
FROZEN_SECONDS = 2.0
"""How long a rank can be frozen before it is killed. Its lease has expired by then."""
STACK_DUMP_SECONDS = 1.0
"""How long a hung rank has to write its stacks before it is killed."""
REPORTED_LINES, MAX_LINE_CHARACTERS = 5, 500
"""Log lines in the report of a failure, and their length."""
MAX_MESSAGE_CHARACTERS = 1024
"""Length of the message in it: the protocol has no longer ones."""
MAX_RESTARTS, RESTART_WINDOW_SECONDS = 5, 60.0
"""A worker exits when its ranks crash more often within the window."""
MAX_EARLY_FAILURES = 3
"""A worker exits when a rank fails so often in a row before its first step: only then does the failure budget count them."""

REASONS: dict[int, EndReason] = {
    ExitCode.SUCCESS: "Completed",
    ExitCode.BAD_INPUT: "BadInput",
    ExitCode.DIVERGED: "Diverged",
    ExitCode.COMMUNICATION: "CommunicationFailed",
    ExitCode.STOPPED: "Stopped",
}
ENDING_CODES = frozenset(REASONS) - {ExitCode.SUCCESS}
"""Exit codes of ranks that another process on this node would end with too."""


class Supervisor:
    """The rank processes of one worker, and their spare."""

    def __init__(self, run: RunConfig, run_file: Path, dataset: str, log: JsonLog) -> None:
        self._run, self._log = run, log
        self._command = [sys.executable, "-m", "llmtrain_trainer", "rank", "--run", str(run_file), "--dataset", dataset]
        self._lines: deque[str] = deque(maxlen=RECENT_LINES)
        self._ranks: dict[int, RankProcess] = {}
        self._spare: RankProcess | None = None
        self._spare_due = 0.0
        self._frozen_since: dict[int, float] = {}
        self._hung_since: dict[int, float] = {}
        self._unresponsive_seconds: dict[int, float] = {}
        self._restarts: deque[float] = deque(maxlen=MAX_RESTARTS)
        self._early_failures: dict[int, int] = {}
        """By local rank: exits in a row with an error of its own and without a step."""
        self._stopping, self._exit_code = False, 0
        self._failure: TerminationMessage | None = None
        """What the first rank that failed has left, before the others, which are stopped then, write their lines."""

    def supervise(self) -> TerminationMessage:
        """Run the ranks until all have exited; return the termination message of the worker."""
        for number in stop_signals():
            signal.signal(number, self._on_stop_signal)
        for local_rank in range(self._run.ranks_per_worker):
            self._start(local_rank)
        while self._ranks:
            self._reap()
            self._kill_frozen()
            self._kill_hung()
            self._ensure_spare()
            time.sleep(TICK_SECONDS)
        if self._spare is not None:
            self._spare.signal(signal.SIGKILL)
        return self._outcome(self._exit_code)

    def _start(self, local_rank: int) -> None:
        """Assign a rank to the spare, or to a new process if there is none."""
        process, self._spare = self._spare or self._launch(), None
        process.assign_rank(local_rank)
        self._ranks[process.pid] = process
        self._spare_due = time.monotonic() + SPARE_AFTER_SECONDS
        if self._stopping:  # the signal arrived while the process was being started
            process.signal(signal.SIGTERM)

    def _launch(self) -> RankProcess:
        variables = dict.fromkeys(THREAD_VARIABLES, str(self._run.threads_per_rank))
        variables["RES_OPTIONS"] = os.environ.get("RES_OPTIONS", RESOLVER_OPTIONS)
        return RankProcess(self._command, variables, self._on_line)

    def _on_line(self, line: str) -> None:
        """Copy a line of a rank to standard output, and keep the last lines."""
        self._lines.append(line.rstrip("\n"))
        self._log.write_raw(line)

    def _ensure_spare(self) -> None:
        if self._spare is None and not self._stopping and time.monotonic() >= self._spare_due:
            self._spare = self._launch()

    def _kill_frozen(self) -> None:
        """Kill a rank that is frozen: it can't be replaced while it exists."""
        now = time.monotonic()
        frozen = {pid for pid, process in self._ranks.items() if process.frozen}
        self._frozen_since = {pid: self._frozen_since.get(pid, now) for pid in frozen}
        for pid, since in self._frozen_since.items():
            if now - since >= FROZEN_SECONDS:
                local_rank = self._ranks[pid].local_rank
                self._log.warning(TrainerEvent.RANK_FROZEN, local_rank=local_rank, seconds=FROZEN_SECONDS)
                self._unresponsive_seconds[pid] = FROZEN_SECONDS
                self._ranks[pid].signal(signal.SIGKILL)

    def _kill_hung(self) -> None:
        """Kill a rank that its watchdog finds unresponsive, after the rank has written its stacks."""
        now, limit = time.monotonic(), self._run.hang_seconds
        for pid, process in self._ranks.items():
            if pid in self._hung_since:
                if now - self._hung_since[pid] >= STACK_DUMP_SECONDS:
                    self._unresponsive_seconds[pid] = limit + STACK_DUMP_SECONDS
                    process.signal(signal.SIGKILL)
            elif process.watchdog.unresponsive_seconds() >= limit:
                self._log.warning(TrainerEvent.RANK_HUNG, local_rank=process.local_rank, seconds=limit)
                self._hung_since[pid] = now
                process.signal(signal.SIGUSR1)
        self._hung_since = {pid: since for pid, since in self._hung_since.items() if pid in self._ranks}

    def _reap(self) -> None:
        """Reap every process that has exited. As pid 1, the supervisor also reaps orphans that are not its ranks."""
        with contextlib.suppress(ChildProcessError):
            while (exited := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = exited
                if self._spare is not None and pid == self._spare.pid:
                    self._spare.reaped(status)
                    self._spare, self._spare_due = None, time.monotonic() + SPARE_AFTER_SECONDS
                elif (process := self._ranks.pop(pid, None)) is not None:
                    self._on_exit(process, process.reaped(status))

    def _on_exit(self, process: RankProcess, code: int) -> None:
        """React to the exit of a rank: do nothing, replace it, or stop the worker."""
        if code == 0:
            return
        if self._stopping and code == -signal.SIGTERM:  # the signal arrived before its handler was installed
            code = ExitCode.STOPPED
        replaced = self._should_restart(process, code)
        self._report_failure(process, code, self._unresponsive_seconds.pop(process.pid, 0.0), replaced=replaced)
        if replaced:
            self._start(process.local_rank)
        else:
            if not self._exit_code:
                self._exit_code = code
                self._failure = None if code == ExitCode.STOPPED else self._end_of(code)
            self._stop_all()

    def _should_restart(self, process: RankProcess, code: int) -> bool:
        if self._stopping or code in ENDING_CODES:
            return False
        if self._run.entrypoint is not None and code == ExitCode.FAILURE:  # a failed user program is not hidden
            return False
        if code == ExitCode.FAILURE and self._fails_early(process):
            return False
        now = time.monotonic()
        if len(self._restarts) == MAX_RESTARTS and now - self._restarts[0] < RESTART_WINDOW_SECONDS:
            return False
        self._restarts.append(now)
        return True

    def _fails_early(self, process: RankProcess) -> bool:
        """Count an error of a rank; return whether too many in a row came before a step, however long each one took."""
        count = 0 if process.watchdog.has_stepped else self._early_failures.get(process.local_rank, 0) + 1
        self._early_failures[process.local_rank] = count
        return count >= MAX_EARLY_FAILURES

    def _report_failure(self, process: RankProcess, code: int, unresponsive_seconds: float, *, replaced: bool) -> None:
        """Report a failed rank to the coordinator, which then need not wait for the lease to expire.

        The exit code is included only if the rank is replaced; otherwise the worker's termination message has it.
        """
        if code == ExitCode.STOPPED:
            return
        self._log.warning(TrainerEvent.RANK_FAILED, local_rank=process.local_rank, exit_code=code)
        leave = Leave(
            incarnation=process.incarnation,
            reason="Failed",
            exit_code=code if replaced else None,
            message=printable(_exit_message(code, self._lines), MAX_MESSAGE_CHARACTERS),
            last_lines=printable_lines(list(self._lines), max_lines=REPORTED_LINES, max_length=MAX_LINE_CHARACTERS),
            unresponsive_seconds=unresponsive_seconds,
        )
        CoordinatorClient.of(self._run).leave_best_effort(leave)

    def _stop_all(self) -> None:
        self._stopping = True
        for process in list(self._ranks.values()):
            process.signal(signal.SIGTERM)

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_all()

    def _outcome(self, code: int) -> TerminationMessage:
        outcome = self._failure or self._end_of(code)
        return outcome.model_copy(update={"last_lines": list(self._lines)})

    def _end_of(self, code: int) -> TerminationMessage:
        """Return the termination message for the exit of a rank, without the last lines."""
        reason, message = REASONS.get(code, "Crashed"), _exit_message(code, self._lines)
        entry = _program_failure(self._lines) if reason == "Crashed" else {}
        exit_code = entry.get("exitCode")
        is_ours = code == ExitCode.STOPPED or bool(_last_message(code, self._lines))
        if self._run.entrypoint is not None and code in ENDING_CODES and not is_ours:
            reason, exit_code = "Crashed", code  # the program has ended its process with a code that looks like ours
        return TerminationMessage(
            reason=reason, message=message, exit_code=exit_code, before_first_step=entry.get("beforeFirstStep") is True
        )


def _exit_message(code: int, lines: deque[str]) -> str:
    """Return one sentence about the exit of a rank: that of its own log, if there is one."""
    if code > 0 and (message := _last_message(code, lines)):
        return message
    if code < 0:
        return f"a trainer process was killed by {signal_name(-code)}"
    return f"a trainer process exited with code {code}" if code else "training completed"


def _last_message(code: int, lines: deque[str]) -> str:
    """Return the message of the newest log line that a rank wrote when it exited with `code`; empty if there is none."""
    event = TrainerEvent.STOPPED if code == ExitCode.STOPPED else TrainerEvent.FAILED
    return next((str(entry.get("message", "")) for entry in _entries(lines, event)), "")


def _program_failure(lines: deque[str]) -> dict[str, Any]:
    """Return the newest log line with the exit code of a user's program, as a rank writes when it exits; else nothing."""
    entries = _entries(lines, TrainerEvent.FAILED)
    return next((entry for entry in entries if isinstance(entry.get("exitCode"), int)), {})


def _entries(lines: deque[str], *events: str) -> Iterator[dict[str, Any]]:
    """Yield the log lines with one of `events`, the newest first."""
    for line in reversed(lines):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("event") in events:
                yield entry
