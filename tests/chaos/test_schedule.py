"""Twenty changes of the membership, drawn from a seed that is printed, and another coordinator in between.

The weights are those of one worker. The account of the job's life adds up to the test's own clock, and what it says of
each kind of time is what the workers' logs say. LLMTRAIN_CHAOS_SEED replays a schedule.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaos.time_accounting import Operator, gaps, instants, length, newest_step, seconds_logged, tells_steps
from llmtrain_api.time_ledger import CATEGORIES, new_ledger
from support.faults import SEED
from support.measurements import RecordMeasurement
from support.polling import eventually
from support.training_job import SPEC, Job, Process, end, make_job

CHANGES, STEPS, MOST = 20, 2000, 3
UNSEEN_STEPS = 30
"""Steps that the operator hasn't seen when the coordinator is killed."""
CLOCK_SECONDS = 1.0
"""How far the life may be from the test's clock, which is read a little later."""
TRAINING = {"steps": STEPS, "microbatches": 7, "microbatchSize": 1, "dropout": "0.1"}
PARTS: dict[str, object] = {
    "training": {**dict(SPEC["training"]), **TRAINING},  # type: ignore[call-overload]
    "checkpoint": {"volume": "checkpoints", "everySteps": 500, "keepLast": 2},
    "evaluation": {"everySteps": 1000, "sample": {"tokens": 8}},
}


def weights(job: Job) -> bytes:
    return (job.checkpoints / f"step-{STEPS:08d}" / "weights.safetensors").read_bytes()


@pytest.fixture
def alone(data: Path, dataset: str, tmp_path: Path) -> Iterator[Job]:
    """The same job, trained by one worker that nobody disturbs."""
    (tmp_path / "alone").mkdir()
    job = make_job(tmp_path / "alone", data, **PARTS)
    job.coordinator(workers=1)
    worker = job.worker(0, dataset)
    assert worker.ends_with(240) == 0, worker.text
    yield job
    end(job)


def joined(workers: dict[int, Process]) -> int:
    return sum(len(worker.events("joined")) for worker in workers.values())


@dataclass(kw_only=True)
class Run:
    """A job, who works at it, and what was done to it."""

    job: Job
    dataset: str
    operator: Operator
    workers: dict[int, Process] = field(default_factory=dict)
    everyone: list[Process] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    killed_at: list[float] = field(default_factory=list)
    compiling_seconds: float = 0.0
    """What the first ranks told of it."""

    def start(self, *numbers: int) -> None:
        """Start workers; return when their first step is told: how long they compiled is known then."""
        for number in numbers:
            self.workers[number] = self.job.worker(number, self.dataset)
            self.everyone.append(self.workers[number])
        fresh = [self.workers[number] for number in numbers]
        self.operator.until(lambda _: all(worker.events("joined") for worker in fresh), "the newcomer has joined")
        progress = self.operator.until(tells_steps, "its first step is told").progress
        assert progress is not None
        self.compiling_seconds += progress.time_spent.compiling

    def take_away(self, number: int, name: str) -> None:
        """Kill a worker or ask it to stop; return when the others go on."""
        gone, before = self.workers.pop(number), joined(self.workers)
        if name == "SIGKILL":
            self.killed_at.append(time.time())
            os.killpg(gone.popen.pid, signal.SIGKILL)
        else:
            gone.popen.send_signal(signal.SIGTERM)
        gone.ends_with()
        self.operator.until(lambda _: joined(self.workers) > before, "the others go on")

    def change(self, chance: random.Random) -> None:
        """Take a worker away or add one."""
        absent = [number for number in range(MOST) if number not in self.workers]
        if absent and (len(self.workers) == 1 or chance.random() < 0.5):
            number = chance.choice(absent)
            self.start(number)
            self.history.append(f"+{number}")
        else:
            number, name = chance.choice(sorted(self.workers)), chance.choice(["SIGKILL", "SIGTERM"])
            self.take_away(number, name)
            self.history.append(f"-{number}{name[3]}")

    def replace_coordinator(self, coordinator: Process) -> None:
        """Kill the coordinator some steps after the operator asked last, and start another one.

        Nothing broke meanwhile, so the time from the one to the other went into steps, and what belongs to them.
        """
        self.operator.until(tells_steps, "the generation is known")
        before = self.operator.account
        eventually(lambda: newest_step(self.everyone) > self.operator.step + UNSEEN_STEPS, "it goes on unseen")
        coordinator.kill()
        self.job.coordinator(MOST, "--term", "2", alone=False)
        self.operator.until(
            lambda seen: tells_steps(seen) and seen.ledger != before, "the next one has taken over and goes on"
        )
        grown = {kind for kind, ms in self.operator.account.ms.items() if ms > before.ms.get(kind, 0)}
        assert "stepping" in grown
        assert grown <= {"stepping", "checkpoint", "evaluating"}
        self.history.append("coordinator")


@pytest.mark.timeout(900)
def test_twenty_changes_change_no_bit_and_lose_no_second(
    alone: Job, data: Path, dataset: str, tmp_path: Path, record_measurement: RecordMeasurement
) -> None:
    chance = random.Random(SEED)
    job = make_job(tmp_path, data, **PARTS)
    birth_ms = int(time.time() * 1000)
    run = Run(job=job, dataset=dataset, operator=Operator(job=job, workers=MOST, account=new_ledger(birth_ms)))
    try:
        coordinator = job.coordinator(MOST, "--term", "1", alone=False)
        run.start(*range(MOST))
        for number in range(CHANGES):
            if number == CHANGES // 2:
                run.replace_coordinator(coordinator)
            run.change(chance)
        print(f"LLMTRAIN_CHAOS_SEED={SEED}: {' '.join(run.history)}, after {run.operator.step} of {STEPS} steps")
        workers = run.workers.values()
        assert all(worker.popen.poll() is None for worker in workers), "the run was over before the schedule"
        run.operator.until(lambda _: all(worker.popen.poll() is not None for worker in workers), "it ends", 400)
        assert [worker.ends_with() for worker in workers] == [0] * len(workers)
        assert weights(job) == weights(alone)
        assert run.operator.ask() is not None
        check(run, birth_ms, int(time.time() * 1000), record_measurement)
    finally:
        end(job)


def check(run: Run, birth_ms: int, now_ms: int, record_measurement: RecordMeasurement) -> None:
    """Note the account beside the clock and the logs, and hold it against them.

    What the logs say is rougher: they know when a step ended after a pause, and not when the pause did.
    """
    account, kills = run.operator.account, len(run.killed_at)
    told = {kind: account.ms.get(kind, 0) / 1000 for kind in CATEGORIES}
    joined_at, first_steps = instants(run.everyone, "joined"), instants(run.everyone, "firstStep")
    last_step = instants(run.everyone, "step")[-1]
    pauses = length(gaps([*run.killed_at, *joined_at], first_steps))
    own = {
        "starting": joined_at[0] - birth_ms / 1000,
        "compiling": run.compiling_seconds,
        "recovering": length(gaps(run.killed_at, first_steps)),
        "evaluating": seconds_logged(run.everyone, "evaluation"),
    }
    own["stepping"] = last_step - joined_at[0] - pauses - own["evaluating"]
    error_seconds = (account.total_ms - (account.until_ms - birth_ms)) / 1000
    clock_error_seconds = (account.total_ms - (now_ms - birth_ms)) / 1000
    record_measurement("goodput_error_seconds", error_seconds, "s")
    record_measurement("goodput_clock_error_seconds", clock_error_seconds, "s")
    record_measurement("goodput_life_seconds", account.total_ms / 1000, "s")
    for kind in CATEGORIES:
        by_logs = f", by the logs {own[kind]:.3f} s" if kind in own else ""
        record_measurement(f"goodput_{kind}_seconds", told[kind], f"s{by_logs}")
    print(f"{kills} kills, {len(first_steps)} generations, {pauses:.3f} s of pauses")
    assert error_seconds == 0
    assert abs(clock_error_seconds) < CLOCK_SECONDS
    assert run.operator.fell == []
    assert own["starting"] - 0.5 < told["starting"] < first_steps[0] - birth_ms / 1000 + 0.5
    assert abs(told["compiling"] - own["compiling"]) < 0.1
    assert own["recovering"] / 2 <= told["recovering"] <= own["recovering"] + kills
    assert abs(told["stepping"] - own["stepping"]) < 0.5 * len(first_steps)
