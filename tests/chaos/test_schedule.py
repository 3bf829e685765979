"""Twenty changes of the membership, drawn from a seed that is printed, and a new coordinator in between.

The weights are those of one worker. The job's time ledger sums to the elapsed time, and each category agrees with the
workers' logs. LLMTRAIN_CHAOS_SEED repeats a schedule.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaos.time_accounting import Operator, gaps, instants, length, newest_step, reports_steps, seconds_logged
from llmtrain_api.time_ledger import CATEGORIES, new_ledger
from support.faults import SEED
from support.measurements import RecordMeasurement
from support.polling import eventually
from support.training_job import SPEC, Job, Process, end, make_job

CHANGES, STEPS, MAX_WORKERS = 20, 2000, 3
UNSEEN_STEPS = 30
"""Steps that the operator has not seen when the coordinator is killed."""
CLOCK_SECONDS = 1.0
"""Tolerance between the ledger and the test's clock, which is read a little later."""
TRAINING_SPEC = {"steps": STEPS, "microbatches": 7, "microbatchSize": 1, "dropout": "0.1"}
SECTIONS: dict[str, object] = {
    "training": {**dict(SPEC["training"]), **TRAINING_SPEC},  # type: ignore[call-overload]
    "checkpoint": {"volume": "checkpoints", "everySteps": 500, "keepLast": 2},
    "evaluation": {"everySteps": 1000, "sample": {"tokens": 8}},
}


def weights(job: Job) -> bytes:
    return (job.checkpoints / f"step-{STEPS:08d}" / "weights.safetensors").read_bytes()


@pytest.fixture
def single(data: Path, dataset: str, tmp_path: Path) -> Iterator[Job]:
    """The same job, trained by one worker without disturbance."""
    (tmp_path / "single").mkdir()
    job = make_job(tmp_path / "single", data, **SECTIONS)
    job.coordinator(workers=1)
    worker = job.worker(0, dataset)
    assert worker.ends_with(240) == 0, worker.text
    yield job
    end(job)


def joined(workers: dict[int, Process]) -> int:
    return sum(len(worker.events("generationJoined")) for worker in workers.values())


@dataclass(kw_only=True)
class Run:
    """A job, its workers, and the changes made to it."""

    job: Job
    dataset: str
    operator: Operator
    workers: dict[int, Process] = field(default_factory=dict)
    all_workers: list[Process] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    killed_at: list[float] = field(default_factory=list)
    compiling_seconds: float = 0.0
    """Time that rank 0 of each generation reported for compiling."""

    def start(self, *numbers: int) -> None:
        """Start workers; return when their first step is reported, which carries the time they compiled."""
        for number in numbers:
            self.workers[number] = self.job.worker(number, self.dataset)
            self.all_workers.append(self.workers[number])
        new = [self.workers[number] for number in numbers]
        self.operator.until(
            lambda _: all(worker.events("generationJoined") for worker in new), "the new worker has joined"
        )
        progress = self.operator.until(reports_steps, "its first step is reported").progress
        assert progress is not None
        self.compiling_seconds += progress.time_spent.compiling

    def remove(self, number: int, name: str) -> None:
        """Kill a worker or ask it to stop; return when the others continue."""
        removed, before = self.workers.pop(number), joined(self.workers)
        if name == "SIGKILL":
            self.killed_at.append(time.time())
            os.killpg(removed.popen.pid, signal.SIGKILL)
        else:
            removed.popen.send_signal(signal.SIGTERM)
        removed.ends_with()
        self.operator.until(lambda _: joined(self.workers) > before, "the others continue")

    def change(self, rng: random.Random) -> None:
        """Remove a worker or add one."""
        absent = [number for number in range(MAX_WORKERS) if number not in self.workers]
        if absent and (len(self.workers) == 1 or rng.random() < 0.5):
            number = rng.choice(absent)
            self.start(number)
            self.history.append(f"+{number}")
        else:
            number, name = rng.choice(sorted(self.workers)), rng.choice(["SIGKILL", "SIGTERM"])
            self.remove(number, name)
            self.history.append(f"-{number}{name[3]}")

    def replace_coordinator(self, coordinator: Process) -> None:
        """Kill the coordinator some steps after the operator asked last, and start another one.

        Training continues without it, so the time in between was spent on steps, evaluations and checkpoints.
        """
        self.operator.until(reports_steps, "the generation is known")
        before = self.operator.ledger
        eventually(
            lambda: newest_step(self.all_workers) > self.operator.step + UNSEEN_STEPS, "training continues unseen"
        )
        coordinator.kill()
        self.job.coordinator(MAX_WORKERS, "--term", "2", standalone=False)
        self.operator.until(
            lambda status: reports_steps(status) and status.ledger != before, "the new one has taken over"
        )
        grown = {name for name, ms in self.operator.ledger.ms.items() if ms > before.ms.get(name, 0)}
        assert "stepping" in grown
        assert grown <= {"stepping", "checkpoint", "evaluating"}
        self.history.append("coordinator")


@pytest.mark.timeout(900)
def test_twenty_changes_change_no_bit_and_account_for_every_second(
    single: Job, data: Path, dataset: str, tmp_path: Path, record_measurement: RecordMeasurement
) -> None:
    rng = random.Random(SEED)
    job = make_job(tmp_path, data, **SECTIONS)
    created_ms = int(time.time() * 1000)
    run = Run(job=job, dataset=dataset, operator=Operator(job=job, workers=MAX_WORKERS, ledger=new_ledger(created_ms)))
    try:
        coordinator = job.coordinator(MAX_WORKERS, "--term", "1", standalone=False)
        run.start(*range(MAX_WORKERS))
        for number in range(CHANGES):
            if number == CHANGES // 2:
                run.replace_coordinator(coordinator)
            run.change(rng)
        print(f"LLMTRAIN_CHAOS_SEED={SEED}: {' '.join(run.history)}, after {run.operator.step} of {STEPS} steps")
        workers = run.workers.values()
        assert all(worker.popen.poll() is None for worker in workers), "the job finished before the schedule"
        run.operator.until(lambda _: all(worker.popen.poll() is not None for worker in workers), "it ends", 400)
        assert [worker.ends_with() for worker in workers] == [0] * len(workers)
        assert weights(job) == weights(single)
        assert run.operator.sync_workers() is not None
        check(run, created_ms, int(time.time() * 1000), record_measurement)
    finally:
        end(job)


def check(run: Run, created_ms: int, now_ms: int, record_measurement: RecordMeasurement) -> None:
    """Record the time ledger, and compare it with the clock and with the logs.

    The logs are less precise: they have the end of the first step after a pause, not the end of the pause.
    """
    ledger, kills = run.operator.ledger, len(run.killed_at)
    measured = {category: ledger.ms.get(category, 0) / 1000 for category in CATEGORIES}
    joined_at, first_steps = instants(run.all_workers, "generationJoined"), instants(run.all_workers, "firstStep")
    last_step = instants(run.all_workers, "step")[-1]
    pauses = length(gaps([*run.killed_at, *joined_at], first_steps))
    logged = {
        "starting": joined_at[0] - created_ms / 1000,
        "compiling": run.compiling_seconds,
        "recovering": length(gaps(run.killed_at, first_steps)),
        "evaluating": seconds_logged(run.all_workers, "evaluated"),
    }
    logged["stepping"] = last_step - joined_at[0] - pauses - logged["evaluating"]
    error_seconds = (ledger.total_ms - (ledger.until_ms - created_ms)) / 1000
    clock_error_seconds = (ledger.total_ms - (now_ms - created_ms)) / 1000
    record_measurement("goodput_error_seconds", error_seconds, "s")
    record_measurement("goodput_clock_error_seconds", clock_error_seconds, "s")
    record_measurement("goodput_life_seconds", ledger.total_ms / 1000, "s")
    for category in CATEGORIES:
        by_logs = f", by the logs {logged[category]:.3f} s" if category in logged else ""
        record_measurement(f"goodput_{category}_seconds", measured[category], f"s{by_logs}")
    print(f"{kills} kills, {len(first_steps)} generations, {pauses:.3f} s of pauses")
    assert error_seconds == 0
    assert abs(clock_error_seconds) < CLOCK_SECONDS
    assert run.operator.decreases == []
    assert logged["starting"] - 0.5 < measured["starting"] < first_steps[0] - created_ms / 1000 + 0.5
    assert abs(measured["compiling"] - logged["compiling"]) < 0.1
    assert logged["recovering"] / 2 <= measured["recovering"] <= logged["recovering"] + kills
    assert abs(measured["stepping"] - logged["stepping"]) < 0.5 * len(first_steps)
