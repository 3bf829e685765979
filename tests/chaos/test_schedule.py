"""Twenty changes of the membership, drawn from a seed that is printed: the weights are those of one worker.

LLMTRAIN_CHAOS_SEED replays a schedule.
"""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.test_points import SEED
from integration.trainer.conftest import SPEC, Job, Process, end, eventually, make_job

CHANGES, STEPS, MOST = 20, 1500, 3
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


@pytest.mark.timeout(600)
def test_twenty_changes_change_no_bit(alone: Job, data: Path, dataset: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    job = make_job(tmp_path, data, **PARTS)
    job.coordinator(workers=MOST)
    workers = {number: job.worker(number, dataset) for number in range(MOST)}
    past: list[Process] = []
    try:
        eventually(lambda: joined(workers) >= MOST, "all have joined")
        born = job.status().account
        history = []
        for _ in range(CHANGES):
            absent = [number for number in range(MOST) if number not in workers]
            if absent and (len(workers) == 1 or chance.random() < 0.5):
                number = chance.choice(absent)
                workers[number] = job.worker(number, dataset)
                eventually(lambda: workers[number].events("joined") != [], "the newcomer has joined")  # noqa: B023
                history.append(f"+{number}")
                continue
            number, name = chance.choice(sorted(workers)), chance.choice(["SIGKILL", "SIGTERM"])
            gone = workers.pop(number)
            before = joined(workers)
            os.killpg(gone.popen.pid, signal.Signals[name]) if name == "SIGKILL" else gone.popen.send_signal(
                signal.SIGTERM
            )
            gone.ends_with()
            past.append(gone)
            eventually(lambda: joined(workers) > before, "the others go on")  # noqa: B023
            history.append(f"-{number}{name[3]}")
        print(f"LLMTRAIN_CHAOS_SEED={SEED}: {' '.join(history)}")
        assert all(worker.popen.poll() is None for worker in workers.values()), "the run was over before the schedule"
        assert [worker.ends_with(240) for worker in workers.values()] == [0] * len(workers)
        assert weights(job) == weights(alone)
        life = job.status().account
        assert born is not None
        assert life is not None
        error_ms = (life.life_ms - born.life_ms) - (life.until_ms - born.until_ms)
        print(f"life and what it went into, ms: {life.life_ms} {life.ms}")
        print(f"goodput_error_seconds {error_ms / 1000:.3f} s")
        assert error_ms == 0
    finally:
        end(job)
