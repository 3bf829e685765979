"""How long a training pauses when a rank dies, and when a replacement takes part: real processes on this machine."""

import os
import signal
import time
from datetime import datetime
from pathlib import Path
from statistics import quantiles

import pytest

from integration.trainer.conftest import SPEC, Job, Process, data, dataset, eventually, job, make_job

__all__ = ["data", "dataset", "job"]
pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("LLMTRAIN_BENCH_KILLS", "20"))
ENDLESS = {"training": {**dict(SPEC["training"]), "steps": 10**6}}  # type: ignore[call-overload]
CALM_SECONDS = 6.0
"""Time between two kills: the spare is there again."""


def first_steps(workers: list[Process], after: float) -> list[dict[str, object]]:
    """Return the first steps of generations that were done after an instant, oldest first."""
    lines = [line for worker in workers for line in worker.events("firstStep")]
    return sorted((line for line in lines if instant(line) > after), key=instant)


def instant(line: dict[str, object]) -> float:
    return datetime.fromisoformat(str(line["time"])).timestamp()


def percentile(seconds: list[float], percent: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]


def test_a_killed_rank(data: Path, dataset: str, tmp_path: Path) -> None:
    job: Job = make_job(tmp_path, data, **ENDLESS)
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: bool(first_steps(workers, 0)), "they train")
    pauses, newcomers, lost = [], [], 0
    began = time.time()
    for kill in range(KILLS):
        time.sleep(CALM_SECONDS)
        victim, survivor = workers[kill % 2], workers[1 - kill % 2]
        killed = time.time()
        os.kill(victim.rank(), signal.SIGKILL)
        eventually(lambda: any(line["ranks"] == 1 for line in first_steps([survivor], killed)), "it goes on")  # noqa: B023
        eventually(lambda: any(line["ranks"] == 2 for line in first_steps(workers, killed)), "both train")  # noqa: B023
        alone = next(line for line in first_steps([survivor], killed) if line["ranks"] == 1)
        both = next(line for line in first_steps(workers, killed) if line["ranks"] == 2)
        pauses.append(instant(alone) - killed)
        newcomers.append(instant(both) - killed)
        held = next(line for line in survivor.events("generationEnded") if instant(line) > killed - 1)["step"]
        lost += int(str(held)) + 1 - int(str(alone["step"]))
    seconds = time.time() - began
    for worker in workers:
        worker.kill()
    print(f"\nkill_to_step_p50_seconds {percentile(pauses, 50):.3f} s")
    print(f"kill_to_step_p95_seconds {percentile(pauses, 95):.3f} s")
    print(f"newcomer_seconds {percentile(newcomers, 95):.3f} s")
    print(f"steps_lost {lost} steps")
    print(f"kills {KILLS} kills")
    print(f"goodput_ratio_kill_every_{seconds / KILLS:.0f}_seconds {1 - sum(pauses) / seconds:.3f} ratio")
