"""Losses that are not finite, in every phase of the training: the weights stay finite, and the same at any number of workers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from llmtrain_api.termination import ExitCode
from support.faults import armed, fault
from support.training_job import STEPS, Job, Process, end, make_job, training

MakeJob = Callable[..., Job]
NAN_PHASES = {
    "the first step": "0-0:1:nan",
    "a step between checkpoints": "29-29:2:nan",
    "the step before a checkpoint": "39-39:0:inf",
    "gradients beyond float32": "29-29:3:1e38",
    "several steps": "30-34:1:nan",
    "the last step": f"{STEPS - 1}-{STEPS - 1}:2:nan",
}


@pytest.fixture
def make(data: Path, tmp_path: Path) -> MakeJob:
    """Makes jobs with other training settings, each in a folder of its own."""
    made: list[Job] = []

    def make_one(**settings: object) -> Job:
        root = tmp_path / f"job-{len(made)}"
        root.mkdir()
        made.append(make_job(root, data, training=training(**settings)))
        return made[-1]

    return make_one


def run(
    job: Job, dataset: str, losses: Sequence[str], *, workers: int = 2, faults: Sequence[str] = ()
) -> list[Process]:
    """Run a job to its end; the faults are injected into its first worker."""
    try:
        job.coordinator(workers)
        started = [
            job.stage(
                "worker",
                "--dataset",
                dataset,
                LLMTRAIN_WORKER=str(number),
                **armed(*(faults if number == 0 else ()), losses=losses),
            )
            for number in range(workers)
        ]
        for worker in started:
            worker.ends_with()
        return started
    finally:
        end(job)


def exit_codes(workers: Sequence[Process]) -> list[int]:
    return [worker.popen.returncode for worker in workers]


def is_finite(job: Job) -> bool:
    """Return whether every weight and moment of every checkpoint is finite."""
    files = list(job.checkpoints.glob("step-*/*.safetensors"))
    assert files
    return all(bool(torch.isfinite(tensor).all()) for file in files for tensor in load_file(file).values())


@pytest.mark.parametrize("losses", NAN_PHASES.values(), ids=NAN_PHASES)
def test_a_step_that_is_not_finite_is_left_out_at_any_number_of_workers(
    make: MakeJob, dataset: str, tmp_path: Path, losses: str
) -> None:
    single = make()
    (worker,) = run(single, dataset, [losses], workers=1)
    assert worker.popen.returncode == 0, worker.text
    first = int(losses.partition("-")[0])
    bad_step = worker.events("badStep")[0]
    assert (bad_step["step"], bad_step["microbatch"]) == (first + 1, int(losses.split(":")[1]))
    assert is_finite(single)
    disturbed = make()
    kill = fault("all_gather", "SIGKILL", marker=tmp_path / "killed", step=max(0, min(first, STEPS - 20)))
    workers = run(disturbed, dataset, [losses], faults=[kill])
    assert exit_codes(workers) == [0, 0], workers[0].text
    assert (tmp_path / "killed").exists()
    assert disturbed.last_weights() == single.last_weights()


def test_too_many_of_them_end_the_job_and_keep_the_checkpoints_before(make: MakeJob, dataset: str) -> None:
    job = make(badSteps=5)
    workers = run(job, dataset, ["45-999:1:nan"])
    assert exit_codes(workers) == [ExitCode.DIVERGED] * 2, workers[0].text
    outcome = workers[0].outcome
    assert outcome.reason == "Diverged"
    assert "the loss of step 50 is nan from microbatch 1 on" in outcome.message
    assert len(workers[0].events("badStep")) == 5
    assert sorted(path.name for path in job.checkpoints.glob("step-*"))[-1] == "step-00000040"
    assert is_finite(job)


def test_the_first_one_ends_the_job_if_it_is_to_stop(make: MakeJob, dataset: str) -> None:
    job = make(onBadStep="Stop")
    workers = run(job, dataset, ["45-45:1:inf"])
    assert exit_codes(workers) == [ExitCode.DIVERGED] * 2, workers[0].text
    assert (
        "the loss of step 46 is inf from microbatch 1 on (spec.training.onBadStep is Stop)"
        in workers[0].outcome.message
    )


def test_a_rollback_passes_over_the_data_at_any_number_of_workers(make: MakeJob, dataset: str, tmp_path: Path) -> None:
    losses = ["47-47:2:nan"]
    single = make(onBadStep="Rollback")
    (worker,) = run(single, dataset, losses, workers=1)
    assert worker.popen.returncode == 0, worker.text
    (rolled_back,) = worker.events("rolledBack")
    assert (rolled_back["step"], rolled_back["restoredStep"]) == (48, 40)
    disturbed = make(onBadStep="Rollback")
    kill = fault("backward", "SIGKILL", marker=tmp_path / "killed", step=44)
    workers = run(disturbed, dataset, losses, faults=[kill])
    assert exit_codes(workers) == [0, 0], workers[0].text
    assert disturbed.last_weights() == single.last_weights()
    skipped = make()
    (worker,) = run(skipped, dataset, losses, workers=1)
    assert skipped.last_weights() != single.last_weights()
