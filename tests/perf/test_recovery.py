"""How long a training pauses when a rank dies, and until its replacement trains: real processes on this machine."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import quantiles

import pytest

from llmtrain_api.protocol import LEASE_SECONDS
from support.faults import armed, fault
from support.polling import eventually
from support.training_job import SPEC, Job, Process, end, make_job

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("LLMTRAIN_BENCH_KILLS", "50"))
ENDLESS = {"training": {**dict(SPEC["training"]), "steps": 10**6}}  # type: ignore[call-overload]
HALTS = int(os.environ.get("LLMTRAIN_BENCH_HALTS", "10"))
GOODPUT_SECONDS = float(os.environ.get("LLMTRAIN_BENCH_GOODPUT_SECONDS", "300"))
HANGS, HANG_SECONDS = 5, 5
Start = Callable[..., tuple[Job, list[Process]]]
CALM_SECONDS = 6.0
"""Time between two kills: the spare is there again."""


def first_steps(workers: list[Process], after: float) -> list[dict[str, object]]:
    """Return the first steps of generations that were done after an instant, oldest first."""
    lines = [line for worker in workers for line in worker.events("firstStep")]
    return sorted((line for line in lines if instant(line) > after), key=instant)


def instant(line: dict[str, object]) -> float:
    return datetime.fromisoformat(str(line["time"])).timestamp()


def percentile(seconds: Sequence[float], percent: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]


def steps_done(workers: list[Process], before: float) -> int:
    """Return the highest number of steps that any rank logged before an instant."""
    lines = [line for worker in workers for name in ("step", "generationEnded") for line in worker.events(name)]
    return max((int(str(line["step"])) for line in lines if instant(line) < before), default=0)


def figure(name: str, value: float, unit: str) -> None:
    print(f"\n{name} {value:.3f} {unit}" if unit != "steps" else f"\n{name} {value:.0f} {unit}", end="")


@pytest.fixture
def start_job(data: Path, dataset: str, tmp_path: Path) -> Iterator[Callable[..., tuple[Job, list[Process]]]]:
    """Starts a job with two workers that never ends by itself."""
    jobs: list[Job] = []

    def start(**parts: object) -> tuple[Job, list[Process]]:
        job = make_job(tmp_path, data, **{**ENDLESS, **parts})
        jobs.append(job)
        job.coordinator()
        workers = [job.worker(number, dataset) for number in range(2)]
        eventually(lambda: bool(first_steps(workers, 0)), "they train")
        return job, workers

    yield start
    for job in jobs:
        end(job)


def strike(workers: list[Process], victim: int, number: signal.Signals) -> tuple[float, float, int]:
    """Send a signal to a rank; return the seconds to the next step and to the next step of both, and the steps lost."""
    struck = time.time()
    os.kill(workers[victim].rank(), number)
    eventually(lambda: bool(first_steps(workers, struck)), "training continues")
    eventually(lambda: any(line["ranks"] == 2 for line in first_steps(workers, struck)), "both train")
    first = first_steps(workers, struck)[0]
    both = next(line for line in first_steps(workers, struck) if line["ranks"] == 2)
    lost = max(0, steps_done(workers, instant(first)) + 1 - int(str(first["step"])))
    return instant(first) - struck, instant(both) - struck, lost


def test_a_killed_rank(start_job: Start) -> None:
    _, workers = start_job()
    results = []
    for kill in range(KILLS):
        time.sleep(CALM_SECONDS)
        results.append(strike(workers, kill % 2, signal.SIGKILL))
    pauses, newcomers, lost = zip(*results, strict=True)
    figure("kill_to_step_p50_seconds", percentile(pauses, 50), "s")
    figure("kill_to_step_p95_seconds", percentile(pauses, 95), "s")
    figure("newcomer_seconds", percentile(newcomers, 95), "s")
    figure("steps_lost", sum(lost), "steps")
    figure("kills", KILLS, "kills")


def test_a_halted_rank(start_job: Start) -> None:
    """The supervisor waits `FROZEN_SECONDS` before it replaces a frozen rank; its peers wait only for the lease."""
    _, workers = start_job()
    pauses = []
    for kill in range(HALTS):
        time.sleep(CALM_SECONDS)
        pauses.append(strike(workers, kill % 2, signal.SIGSTOP)[0] - LEASE_SECONDS)
    figure("halt_to_step_less_lease_p50_seconds", percentile(pauses, 50), "s")
    figure("halt_to_step_less_lease_p95_seconds", percentile(pauses, 95), "s")


def test_a_hung_rank(data: Path, dataset: str, tmp_path: Path) -> None:
    """Each fault makes one rank block forever in a forward pass, and creates the marker file at that moment."""
    job = make_job(tmp_path, data, **ENDLESS, recovery={"hangSeconds": HANG_SECONDS})
    markers = [tmp_path / f"hung-{number}" for number in range(HANGS)]
    faults = [fault("forward", "HANG", marker=marker, step=300 * (1 + i)) for i, marker in enumerate(markers)]
    try:
        job.coordinator()
        workers = [
            job.worker(0, dataset),
            job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER="1", **armed(*faults)),
        ]
        pauses = []
        for marker in markers:
            eventually(marker.exists, "a rank hangs")
            hung = marker.stat().st_mtime
            eventually(lambda: bool(first_steps(workers, hung)), "training continues")  # noqa: B023
            pauses.append(instant(first_steps(workers, hung)[0]) - hung - HANG_SECONDS)
    finally:
        end(job)
    figure("hang_to_step_less_timeout_p50_seconds", percentile(pauses, 50), "s")
    figure("hang_to_step_less_timeout_p95_seconds", percentile(pauses, 95), "s")


def test_goodput_with_a_kill_every_twenty_seconds(start_job: Start) -> None:
    """Goodput is the fraction of the time that was spent on steps that were not lost; the rest went into recoveries."""
    _, workers = start_job()
    time.sleep(CALM_SECONDS)
    calm_from, calm_steps = time.time(), steps_done(workers, time.time())
    time.sleep(20)
    calm_rate = (steps_done(workers, time.time()) - calm_steps) / (time.time() - calm_from)
    began, done, away, lost = time.time(), steps_done(workers, time.time()), 0.0, 0
    kill = 0
    while time.time() - began < GOODPUT_SECONDS:
        pause, _, steps = strike(workers, kill % 2, signal.SIGKILL)
        away, lost, kill = away + pause, lost + steps, kill + 1
        time.sleep(max(0.0, began + 20 * kill - time.time()))
    seconds = time.time() - began
    rate = (steps_done(workers, time.time()) - done) / seconds
    figure("goodput_ratio", 1 - (away + lost / calm_rate) / seconds, "ratio")
    figure("steps_over_undisturbed_ratio", rate / calm_rate, "ratio")
    figure("goodput_kills", kill, "kills")
