"""Runs the processes of one run, and restarts them within the job's failure budget."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from llmtrain_api.failure_budget import MAX_DELAY_SECONDS, FailureBudget, restart_delay_seconds
from llmtrain_api.recovery import FailureRule, Recovery
from llmtrain_api.termination import ExitCode
from llmtrain_cli.errors import BadInput, RunFailed
from llmtrain_cli.process import ExitStatus, Process, ProcessSpec

COORDINATOR_GRACE_SECONDS = 3.0
"""The coordinator has no state to save."""
STAGE_GRACE_SECONDS = 3.0
"""How long an interrupted prepare or publish has before it is killed."""

Start = Callable[[ProcessSpec], Awaitable[Process]]


@dataclass(kw_only=True)
class FailureHistory:
    """The failures of a run so far, compared with the failure budget of the job."""

    budget: FailureBudget
    rules: tuple[FailureRule, ...] = ()
    first: ExitStatus | None = None
    _failed_at_seconds: list[float] = field(default_factory=list)
    _program_errors: set[tuple[str, str]] = field(default_factory=set)
    """Process and message of each error of the user's program before its first step."""

    def charge(self, status: ExitStatus, now_seconds: float) -> int:
        """Count a failure; return the number of failures within the window. RunFailed if it exceeds the budget.

        BadInput at once if the process exited with the code for bad input. The job's rules come first.
        """
        action = self._action(status)
        if action == "Fail":
            raise RunFailed(f"{status.message} (spec.recovery.rules fails the job)")
        if action == "" and status.exit_code == ExitCode.BAD_INPUT:
            raise BadInput(status.message)
        if action == "" and self._is_final(status):
            raise RunFailed(status.message)
        in_window = [at for at in self._failed_at_seconds if self.budget.in_window(now_seconds - at)]
        if action == "Ignore":
            return len(in_window)
        self.first = self.first or status
        self._failed_at_seconds = [*in_window, now_seconds]
        count = len(self._failed_at_seconds)
        if self.budget.is_exceeded(count):
            raise RunFailed(f"{self.first.message} ({self.budget.explain(count)})")
        return count

    def _is_final(self, status: ExitStatus) -> bool:
        """Return whether another attempt would end in the same way, as in a cluster.

        The training diverged, or the user's program has failed with the same error again before its first step.
        """
        outcome = status.outcome
        if outcome is None or not outcome.before_first_step:
            return outcome is not None and outcome.reason == "Diverged"
        key = (status.process, outcome.message)
        repeated = key in self._program_errors
        self._program_errors.add(key)
        return repeated

    def _action(self, status: ExitStatus) -> str:
        """Return the action of the first rule that matches a failure, as in a cluster; empty if none does."""
        outcome = status.outcome
        code = status.exit_code if outcome is None or outcome.exit_code is None else outcome.exit_code
        reason = "Error" if outcome is None else outcome.reason
        return next((rule.action for rule in self.rules if rule.matches(code, reason)), "")


class LocalSupervisor:
    """Runs the processes of a run: restarts those that fail, with a back-off, and stops all of them at the end."""

    def __init__(
        self,
        start: Start,
        recovery: Recovery,
        note: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        budget = FailureBudget(max_failures=recovery.max_failures, window_seconds=recovery.window_seconds)
        self._failures = FailureHistory(budget=budget, rules=tuple(recovery.rules))
        self._start, self._note, self._sleep = start, note, sleep
        self._grace_seconds = recovery.grace_period_seconds
        self._running: dict[str, Process] = {}

    async def run_stage(self, stage: ProcessSpec) -> ExitStatus:
        """Run a stage of one process until it succeeds. BadInput or RunFailed if it fails for good."""
        try:
            return await self._supervise(stage)
        finally:
            if process := self._running.pop(stage.name, None):
                await process.stop(STAGE_GRACE_SECONDS)

    async def train(
        self, coordinator: ProcessSpec, workers: Sequence[ProcessSpec], on_finished: Callable[[], Awaitable[None]]
    ) -> None:
        """Run until every worker has succeeded, then call `on_finished` while the coordinator still answers.

        BadInput or RunFailed if a process fails for good.
        """
        try:
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(self._supervise(coordinator, restart_always=True))
                await asyncio.gather(*(group.create_task(self._supervise(worker)) for worker in workers))
                await on_finished()
                serving.cancel()
        except* (BadInput, RunFailed) as errors:
            raise errors.exceptions[0] from None
        finally:
            await self._shutdown(coordinator)

    async def kill(self) -> None:
        """Kill all processes now."""
        await asyncio.gather(*(process.kill() for process in self._running.values()))

    async def _supervise(self, spec: ProcessSpec, *, restart_always: bool = False) -> ExitStatus:
        """Run a process until it succeeds, or until cancelled if it must always be restarted; return how it exited."""
        in_a_row = 0
        while True:
            started = time.monotonic()
            process = await self._start(spec)
            self._running[spec.name] = process
            status = await process.wait()
            if status.succeeded and not restart_always:
                return status
            now = time.monotonic()
            count = self._failures.charge(status, now)
            in_a_row = 1 if now - started > MAX_DELAY_SECONDS else in_a_row + 1
            delay_seconds = restart_delay_seconds(in_a_row)
            when = f" in {delay_seconds} s" if delay_seconds else ""
            self._note(
                f"{status.message}; restarting it{when} (failure {count} of {self._failures.budget.max_failures})"
            )
            await self._sleep(delay_seconds)

    async def _shutdown(self, coordinator: ProcessSpec) -> None:
        """Let the workers write a checkpoint, then stop the coordinator, which they need for that."""
        workers = [process for name, process in self._running.items() if name != coordinator.name]
        await asyncio.gather(*(worker.stop(self._grace_seconds) for worker in workers))
        if coordinator.name in self._running:
            await self._running[coordinator.name].stop(COORDINATOR_GRACE_SECONDS)
        self._running.clear()
