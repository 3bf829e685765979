"""Coordinator and workers of one run, kept alive within the job's recovery budget."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from llmtrain_api.job import Recovery
from llmtrain_api.termination import ExitCode
from llmtrain_cli.errors import BadInput, RunFailed
from llmtrain_cli.process import ExitStatus, Process, ProcessSpec

STOP_SECONDS = 60.0
"""How long workers have to write a checkpoint."""
KILL_SECONDS = 3.0
"""How long the coordinator has: it has nothing to keep."""

Start = Callable[[ProcessSpec], Awaitable[Process]]


@dataclass(kw_only=True)
class FailureBudget:
    """How many failures are put up with: `recovery.maxFailures` within the window."""

    recovery: Recovery
    first: ExitStatus | None = None
    _failed_at_seconds: list[float] = field(default_factory=list)

    def charge(self, end: ExitStatus, now_seconds: float) -> int:
        """Count a failure; return how many there are within the window. RunFailed if that is too many."""
        if end.exit_code == ExitCode.BAD_INPUT:
            raise BadInput(end.sentence)
        self.first = self.first or end
        since = now_seconds - self.recovery.window_seconds
        self._failed_at_seconds = [at for at in self._failed_at_seconds if at > since] + [now_seconds]
        if len(self._failed_at_seconds) > self.recovery.max_failures:
            raise RunFailed(f"{self.first.sentence} ({self._said})")
        return len(self._failed_at_seconds)

    @property
    def _said(self) -> str:
        many = len(self._failed_at_seconds)
        return f"{many} failure{'s' * (many > 1)}, spec.recovery.maxFailures is {self.recovery.max_failures}"


class LocalSupervisor:
    """Starts the parts, starts again what fails, and leaves nobody behind."""

    def __init__(self, start: Start, budget: FailureBudget, note: Callable[[str], None]) -> None:
        self._start, self._budget, self._note = start, budget, note
        self._running: dict[str, Process] = {}

    async def work(
        self, coordinator: ProcessSpec, workers: Sequence[ProcessSpec], on_finished: Callable[[], Awaitable[None]]
    ) -> None:
        """Run until every worker has finished; then `farewell` may ask the coordinator for the last time.

        BadInput or RunFailed if a worker can't go on.
        """
        try:
            async with asyncio.TaskGroup() as group:
                served = group.create_task(self._keep(coordinator, needed_until_cancelled=True))
                await asyncio.gather(*(group.create_task(self._keep(worker)) for worker in workers))
                await on_finished()
                served.cancel()
        except* (BadInput, RunFailed) as errors:
            raise errors.exceptions[0] from None
        finally:
            await self._shutdown(coordinator)

    async def kill(self) -> None:
        """End everyone now."""
        await asyncio.gather(*(process.kill() for process in self._running.values()))

    async def _keep(self, part: ProcessSpec, *, needed_until_cancelled: bool = False) -> None:
        """Run one part until it succeeds, or for ever."""
        while True:
            process = await self._start(part)
            self._running[part.name] = process
            end = await process.end()
            if end.succeeded and not needed_until_cancelled:
                return
            many = self._budget.charge(end, time.monotonic())
            self._note(f"{end.sentence}; starting it again (failure {many} of {self._budget.recovery.max_failures})")

    async def _shutdown(self, coordinator: ProcessSpec) -> None:
        """Let the workers write a checkpoint, then end the coordinator, which they need for that."""
        workers = [process for name, process in self._running.items() if name != coordinator.name]
        await asyncio.gather(*(worker.stop(STOP_SECONDS) for worker in workers))
        if coordinator.name in self._running:
            await self._running[coordinator.name].stop(KILL_SECONDS)
