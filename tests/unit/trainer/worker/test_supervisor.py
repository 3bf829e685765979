"""A rank is replaced in place, unless another process on the same node would fail in the same way."""

import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import RECENT_LINES, JsonLog
from llmtrain_api.protocol import Leave
from llmtrain_api.termination import ExitCode
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.worker import supervisor as supervisor_module
from llmtrain_trainer.worker.supervisor import MAX_EARLY_FAILURES, MAX_RESTARTS, Supervisor
from llmtrain_trainer.worker.watchdog import Watchdog, new_watchdog
from unit.trainer.builders import MakeRun


def unwatched() -> Watchdog:
    watchdog, descriptor = new_watchdog()
    os.close(descriptor)
    return watchdog


@dataclass
class ExitedRank:
    """What the supervisor looks at of a rank that has exited."""

    local_rank: int = 0
    incarnation: str = "a"
    watchdog: Watchdog = field(default_factory=unwatched)


@pytest.fixture
def supervisor(make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """A supervisor whose restarts are never many within one window."""
    monkeypatch.setattr(supervisor_module, "RESTART_WINDOW_SECONDS", 0.0)
    return Supervisor(make_run(), Path("run.json"), "dataset", log)


def restarts(supervisor: Supervisor, rank: ExitedRank, code: int) -> bool:
    return supervisor._should_restart(rank, code)  # type: ignore[arg-type]


def test_a_rank_that_fails_before_its_first_step_is_replaced_a_few_times_however_long_it_takes(
    supervisor: Supervisor,
) -> None:
    attempts = [restarts(supervisor, ExitedRank(), ExitCode.FAILURE) for _ in range(MAX_EARLY_FAILURES)]
    assert attempts == [True] * (MAX_EARLY_FAILURES - 1) + [False]


def test_each_rank_of_a_worker_has_its_own_attempts(supervisor: Supervisor) -> None:
    assert all(restarts(supervisor, ExitedRank(rank), ExitCode.FAILURE) for rank in range(MAX_EARLY_FAILURES + 1))


def test_a_step_ends_the_row(supervisor: Supervisor) -> None:
    for _ in range(MAX_EARLY_FAILURES):
        assert restarts(supervisor, ExitedRank(), ExitCode.FAILURE)
        stepped = ExitedRank()
        stepped.watchdog.stepped()
        assert restarts(supervisor, stepped, ExitCode.FAILURE)


def test_a_rank_that_is_killed_is_replaced_within_the_window_alone(supervisor: Supervisor) -> None:
    assert all(restarts(supervisor, ExitedRank(), -signal.SIGKILL) for _ in range(MAX_RESTARTS + 1))


@pytest.mark.parametrize("code", [ExitCode.BAD_INPUT, ExitCode.DIVERGED, ExitCode.COMMUNICATION, ExitCode.STOPPED])
def test_a_rank_whose_successor_would_end_in_the_same_way_is_not_replaced(supervisor: Supervisor, code: int) -> None:
    assert not restarts(supervisor, ExitedRank(), code)


@pytest.mark.parametrize("cause", ["step-00000001, " * 200, "file-\udcff.txt"], ids=["long", "surrogate"])
def test_any_cause_of_a_failure_is_reported(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    """A supervisor that fails to report it would take all its ranks with it."""
    reports: list[Leave] = []
    monkeypatch.setattr(CoordinatorClient, "leave_best_effort", lambda _, leave: reports.append(leave))
    supervisor._on_line(json.dumps({"event": "failed", "message": cause}))
    supervisor._report_failure(ExitedRank(), ExitCode.FAILURE, 0.0, replaced=True)  # type: ignore[arg-type]
    assert cause[:5] in reports[0].model_dump_json()
    assert cause[:5] in supervisor._outcome(ExitCode.FAILURE).to_message()


@dataclass
class ReapedRank(ExitedRank):
    pid: int = 1


def test_ranks_that_are_stopped_after_a_failure_do_not_hide_its_cause(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CoordinatorClient, "leave_best_effort", lambda _, leave: None)
    supervisor._on_line(json.dumps({"event": "failed", "message": "the training diverged"}))
    supervisor._on_exit(ReapedRank(), ExitCode.DIVERGED)  # type: ignore[arg-type]
    for _ in range(RECENT_LINES):
        supervisor._on_line(json.dumps({"event": "stopped", "message": "stopped on request"}))
    supervisor._on_exit(ReapedRank(1), ExitCode.STOPPED)  # type: ignore[arg-type]
    outcome = supervisor._outcome(supervisor._exit_code)
    assert (outcome.reason, outcome.message) == ("Diverged", "the training diverged")
    assert "stopped on request" in outcome.last_lines[-1]


def test_a_program_that_ends_its_process_does_not_diverge_by_its_code(
    make_program_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CoordinatorClient, "leave_best_effort", lambda _, leave: None)
    supervisor = Supervisor(make_program_run(script="train.py"), Path("run.json"), "", log)
    supervisor._on_exit(ReapedRank(), ExitCode.DIVERGED)  # type: ignore[arg-type]
    outcome = supervisor._outcome(supervisor._exit_code)
    assert (outcome.reason, outcome.exit_code) == ("Crashed", 3)
    assert outcome.message == "a trainer process exited with code 3"
