"""Processes that fail are restarted within the failure budget, and all are stopped in the end."""

import asyncio
from collections.abc import Sequence

import pytest

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.recovery import FailureRule, Recovery
from llmtrain_api.termination import TerminationMessage
from llmtrain_cli.errors import BadInput, CommandError, RunFailed
from llmtrain_cli.local_supervisor import FailureHistory, LocalSupervisor
from llmtrain_cli.process import ExitStatus, ProcessSpec

COORDINATOR = ProcessSpec(name="coordinator", arguments=())
STAGE = ProcessSpec(name="prepare", arguments=())
WORKERS = (ProcessSpec(name="worker-0", arguments=()), ProcessSpec(name="worker-1", arguments=()))
RUNS_FOREVER = None


class FakeProcess:
    """A process that exits with a code, or runs until it is stopped."""

    def __init__(self, spec: ProcessSpec, code: int | None, stopped: dict[str, float]) -> None:
        self._spec, self._code, self._stopped = spec, code, stopped

    async def wait(self) -> ExitStatus:
        if self._code is RUNS_FOREVER:
            await asyncio.Event().wait()
        return ExitStatus(process=self._spec.name, exit_code=self._code or 0, outcome=None)

    async def stop(self, grace_seconds: float) -> None:
        self._stopped[self._spec.name] = grace_seconds


class FakeRun:
    """A supervisor of fake processes; `codes` are the exit codes of a process, one per start."""

    def __init__(self, max_failures: int = 10, **codes: Sequence[int | None]) -> None:
        self._codes = {name.replace("_", "-"): iter(exits) for name, exits in codes.items()}
        self.started: list[str] = []
        self.grace_seconds: dict[str, float] = {}
        """How long each process that was stopped had for that."""
        self.delays: list[float] = []
        self.notes: list[str] = []
        self.finished = 0
        recovery = Recovery(max_failures=max_failures, window_seconds=60, grace_period_seconds=30)
        self._supervisor = LocalSupervisor(self._start, recovery, self.notes.append, self._sleep)

    @property
    def stopped(self) -> list[str]:
        """The processes that were stopped, in order."""
        return list(self.grace_seconds)

    async def _sleep(self, seconds: float) -> None:
        self.delays.append(seconds)

    async def _start(self, spec: ProcessSpec) -> FakeProcess:
        self.started.append(spec.name)
        return FakeProcess(spec, next(self._codes[spec.name]), self.grace_seconds)

    async def execute(self) -> None:
        await self._supervisor.train(COORDINATOR, WORKERS, self._on_finished)

    async def run_stage(self) -> ExitStatus:
        return await self._supervisor.run_stage(STAGE)

    async def _on_finished(self) -> None:
        self.finished += 1


async def test_the_coordinator_is_stopped_last_when_all_workers_have_finished() -> None:
    run = FakeRun(coordinator=[RUNS_FOREVER], worker_0=[0], worker_1=[0])
    await run.execute()
    assert (run.stopped[-1], run.finished, run.notes) == ("coordinator", 1, [])


async def test_a_killed_worker_is_restarted() -> None:
    run = FakeRun(coordinator=[RUNS_FOREVER], worker_0=[-9, 1, 0], worker_1=[0])
    await run.execute()
    assert run.started.count("worker-0") == 3
    assert run.notes[0] == "worker-0 was killed by SIGKILL; restarting it (failure 1 of 10)"


async def test_a_process_that_fails_again_and_again_is_restarted_after_a_back_off() -> None:
    run = FakeRun(coordinator=[RUNS_FOREVER], worker_0=[1, 1, 1, 1, 0], worker_1=[0])
    await run.execute()
    assert run.delays == [0, 1, 2, 4]
    assert run.notes[3].endswith("; restarting it in 4 s (failure 4 of 10)")


async def test_a_stage_that_dies_is_run_again_within_the_budget() -> None:
    run = FakeRun(prepare=[-15, 143, 0])
    assert (await run.run_stage()).succeeded
    assert run.notes == [
        "prepare was killed by SIGTERM; restarting it (failure 1 of 10)",
        "prepare ended with exit code 143; restarting it in 1 s (failure 2 of 10)",
    ]


async def test_a_stage_spends_the_same_budget_as_the_workers() -> None:
    run = FakeRun(max_failures=2, prepare=[1, 0], coordinator=[RUNS_FOREVER], worker_0=[1, 1], worker_1=[RUNS_FOREVER])
    await run.run_stage()
    with pytest.raises(RunFailed, match=r"^prepare ended with exit code 1 \(3 failures within 60 s"):
        await run.execute()


async def test_bad_input_of_a_stage_is_not_retried() -> None:
    run = FakeRun(prepare=[2])
    with pytest.raises(BadInput, match="prepare ended with exit code 2"):
        await run.run_stage()


async def test_workers_have_the_grace_period_of_the_job_and_the_others_seconds() -> None:
    run = FakeRun(prepare=[0], coordinator=[RUNS_FOREVER], worker_0=[0], worker_1=[0])
    await run.run_stage()
    await run.execute()
    assert run.grace_seconds == {"prepare": 3, "worker-0": 30, "worker-1": 30, "coordinator": 3}


async def test_a_coordinator_that_exits_while_workers_train_has_failed() -> None:
    run = FakeRun(max_failures=1, coordinator=[0, 0], worker_0=[RUNS_FOREVER], worker_1=[RUNS_FOREVER])
    with pytest.raises(RunFailed, match="coordinator ended with exit code 0"):
        await run.execute()


async def test_the_first_failure_is_reported_when_the_budget_is_exceeded() -> None:
    run = FakeRun(max_failures=1, coordinator=[RUNS_FOREVER], worker_0=[-9, 1], worker_1=[RUNS_FOREVER])
    expected = r"^worker-0 was killed by SIGKILL \(2 failures .*spec.recovery.maxFailures is 1\)"
    with pytest.raises(RunFailed, match=expected):
        await run.execute()
    assert run.stopped == ["worker-0", "worker-1", "coordinator"]


async def test_bad_input_is_not_retried() -> None:
    run = FakeRun(coordinator=[RUNS_FOREVER], worker_0=[2], worker_1=[RUNS_FOREVER])
    with pytest.raises(BadInput, match="worker-0 ended with exit code 2"):
        await run.execute()
    assert run.started.count("worker-0") == 1


async def test_cancelling_the_run_stops_all_processes() -> None:
    run = FakeRun(coordinator=[RUNS_FOREVER], worker_0=[RUNS_FOREVER], worker_1=[RUNS_FOREVER])
    task = asyncio.create_task(run.execute())
    async with asyncio.timeout(5):
        while len(run.started) < 3:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (sorted(run.stopped), run.stopped[-1]) == (["coordinator", "worker-0", "worker-1"], "coordinator")


def test_failures_before_the_window_do_not_count() -> None:
    failures = FailureHistory(budget=FailureBudget(max_failures=1, window_seconds=60))
    outcome = TerminationMessage(reason="Crashed", message="the disk is full")
    status = ExitStatus(process="worker-0", exit_code=1, outcome=outcome)
    assert failures.charge(status, 0.0) == 1
    assert failures.charge(status, 60.0) == 1
    with pytest.raises(CommandError, match="worker-0: the disk is full"):
        failures.charge(status, 61.0)


@pytest.mark.parametrize(
    ("action", "expected"),
    [("Fail", "RunFailed"), ("Count", "counted"), ("Ignore", "ignored")],
)
@pytest.mark.parametrize(
    "status",
    [
        pytest.param(ExitStatus(process="worker-0", exit_code=2, outcome=None), id="of a process"),
        pytest.param(
            ExitStatus(
                process="worker-0", exit_code=1, outcome=TerminationMessage(reason="Crashed", message="x", exit_code=2)
            ),
            id="of a program",
        ),
    ],
)
def test_the_rules_of_the_job_decide_by_the_exit_code(action: str, expected: str, status: ExitStatus) -> None:
    rule = FailureRule.model_validate({"exitCodes": [2], "action": action})
    failures = FailureHistory(budget=FailureBudget(max_failures=9, window_seconds=60), rules=(rule,))
    try:
        found = {0: "ignored", 1: "counted"}[failures.charge(status, 0.0)]
    except CommandError as error:
        found = type(error).__name__
    assert found == expected


def ended(code: int, **outcome: object) -> ExitStatus:
    return ExitStatus(process="worker-0", exit_code=code, outcome=TerminationMessage.model_validate(outcome))


def test_a_training_that_diverged_is_not_tried_again() -> None:
    history = FailureHistory(budget=FailureBudget(max_failures=10, window_seconds=60))
    with pytest.raises(RunFailed, match="the loss of step 5 is nan"):
        history.charge(ended(3, reason="Diverged", message="the loss of step 5 is nan"), 0.0)


def test_a_program_that_fails_in_the_same_way_before_its_first_step_is_not_tried_a_third_time() -> None:
    history = FailureHistory(budget=FailureBudget(max_failures=10, window_seconds=60))
    error = {"reason": "Crashed", "message": "train.py: KeyError", "exit_code": 1}
    assert history.charge(ended(1, **error, before_first_step=True), 0.0) == 1
    assert history.charge(ended(1, **error, before_first_step=False), 1.0) == 2
    with pytest.raises(RunFailed, match="KeyError"):
        history.charge(ended(1, **error, before_first_step=True), 2.0)
