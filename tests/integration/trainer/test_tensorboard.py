"""TensorBoard, reading the folder beside the checkpoints, shows what was trained, whoever was the first rank."""

import os
import signal
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from support.polling import eventually
from support.training_job import STEPS, Job

TAGS = {"train/loss", "train/learning_rate", "train/gradient_norm", "speed/tokens_per_second", "evaluation/loss"}


def shown(job: Job) -> EventAccumulator:
    accumulator = EventAccumulator(str(Path(job.run.job_directory) / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    return accumulator


def points(accumulator: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def test_it_shows_every_step_as_it_was_logged(undisturbed: Job) -> None:
    accumulator = shown(undisturbed)
    assert set(accumulator.Tags()["scalars"]) == TAGS
    losses = points(accumulator, "train/loss")
    assert [step for step, _ in losses] == list(range(1, STEPS + 1))
    logged = undisturbed.processes[1].events("step")
    assert {line["step"]: line["loss"] for line in logged} == {
        step: pytest.approx(loss, abs=1e-4) for step, loss in losses if step in {line["step"] for line in logged}
    }
    evaluations = undisturbed.processes[1].events("evaluation")
    assert [(line["step"], line["heldOutLoss"]) for line in evaluations] == [
        (step, pytest.approx(loss, abs=1e-4)) for step, loss in points(accumulator, "evaluation/loss")
    ]


def test_it_shows_each_step_once_when_the_first_rank_was_killed(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(40), "there is a checkpoint")
    os.kill(workers[0].rank(), signal.SIGKILL)
    assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text + workers[1].text
    accumulator, whole = shown(job), shown(undisturbed)
    steps = [step for step, _ in points(accumulator, "train/loss")]
    assert steps == sorted(set(steps))
    assert steps[-1] == STEPS
    assert set(points(accumulator, "train/loss")) <= set(points(whole, "train/loss"))
    assert points(accumulator, "evaluation/loss")[-1] == points(whole, "evaluation/loss")[-1]
    assert len(list((Path(job.run.job_directory) / "tensorboard").iterdir())) > 1
