"""Parts that fail are started again, within the budget; nobody is left behind."""

import asyncio
from collections.abc import Sequence

import pytest

from llmtrain_api.job import Recovery
from llmtrain_api.termination import TerminationMessage
from llmtrain_cli.errors import BadInput, CommandError, RunFailed
from llmtrain_cli.local_supervisor import FailureBudget, LocalSupervisor
from llmtrain_cli.process import ExitStatus, ProcessSpec

COORDINATOR = ProcessSpec(name="coordinator", arguments=())
WORKERS = (ProcessSpec(name="worker-0", arguments=()), ProcessSpec(name="worker-1", arguments=()))
FOR_EVER = None


class FakeProcess:
    """A process that ends with an exit code, or only when it is stopped."""

    def __init__(self, part: ProcessSpec, code: int | None, stopped: list[str]) -> None:
        self._part, self._code, self._stopped = part, code, stopped

    async def end(self) -> ExitStatus:
        if self._code is FOR_EVER:
            await asyncio.Event().wait()
        return ExitStatus(part=self._part.name, exit_code=self._code or 0, outcome=None)

    async def stop(self, deadline_seconds: float) -> None:
        self._stopped.append(self._part.name)


class Stage:
    """Starts fake processes; `codes` are the exit codes of a part, one a start."""

    def __init__(self, max_failures: int = 10, **codes: Sequence[int | None]) -> None:
        self._codes = {name.replace("_", "-"): iter(ends) for name, ends in codes.items()}
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.notes: list[str] = []
        self.farewells = 0
        budget = FailureBudget(recovery=Recovery(max_failures=max_failures, window_seconds=60))
        self.crew = LocalSupervisor(self._start, budget, self.notes.append)

    async def _start(self, part: ProcessSpec) -> FakeProcess:
        self.started.append(part.name)
        return FakeProcess(part, next(self._codes[part.name]), self.stopped)

    async def work(self) -> None:
        await self.crew.work(COORDINATOR, WORKERS, self._say_farewell)

    async def _say_farewell(self) -> None:
        self.farewells += 1


async def test_the_coordinator_is_stopped_last_when_all_workers_have_finished() -> None:
    stage = Stage(coordinator=[FOR_EVER], worker_0=[0], worker_1=[0])
    await stage.work()
    assert (stage.stopped[-1], stage.farewells, stage.notes) == ("coordinator", 1, [])


async def test_a_killed_worker_is_started_again() -> None:
    stage = Stage(coordinator=[FOR_EVER], worker_0=[-9, 1, 0], worker_1=[0])
    await stage.work()
    assert stage.started.count("worker-0") == 3
    assert stage.notes[0] == "worker-0 was killed by SIGKILL; starting it again (failure 1 of 10)"


async def test_the_coordinator_is_needed_as_long_as_workers_train() -> None:
    stage = Stage(max_failures=1, coordinator=[0, 0], worker_0=[FOR_EVER], worker_1=[FOR_EVER])
    with pytest.raises(RunFailed, match="coordinator ended with exit code 0"):
        await stage.work()


async def test_the_first_failure_is_told_when_there_are_too_many() -> None:
    stage = Stage(max_failures=1, coordinator=[FOR_EVER], worker_0=[-9, 1], worker_1=[FOR_EVER])
    with pytest.raises(
        RunFailed, match=r"^worker-0 was killed by SIGKILL \(2 failures, spec.recovery.maxFailures is 1\)"
    ):
        await stage.work()
    assert stage.stopped == ["worker-0", "worker-1", "coordinator"]


async def test_bad_input_is_not_tried_again() -> None:
    stage = Stage(coordinator=[FOR_EVER], worker_0=[2], worker_1=[FOR_EVER])
    with pytest.raises(BadInput, match="worker-0 ended with exit code 2"):
        await stage.work()
    assert stage.started.count("worker-0") == 1


async def test_whoever_is_interrupted_stops_everyone() -> None:
    stage = Stage(coordinator=[FOR_EVER], worker_0=[FOR_EVER], worker_1=[FOR_EVER])
    task = asyncio.create_task(stage.work())
    async with asyncio.timeout(5):
        while len(stage.started) < 3:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (sorted(stage.stopped), stage.stopped[-1]) == (["coordinator", "worker-0", "worker-1"], "coordinator")


def test_failures_before_the_window_are_forgiven() -> None:
    budget = FailureBudget(recovery=Recovery(max_failures=1, window_seconds=60))
    failure = ExitStatus(
        part="worker-0", exit_code=1, outcome=TerminationMessage(reason="Crashed", message="the disk is full")
    )
    assert budget.charge(failure, 0.0) == 1
    assert budget.charge(failure, 60.0) == 1
    with pytest.raises(CommandError, match="worker-0: the disk is full"):
        budget.charge(failure, 61.0)
