"""Real processes train; failures and membership changes do not change the weights."""

import math
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from llmtrain_api.termination import ExitCode
from llmtrain_trainer.worker.supervisor import MAX_RESTARTS
from support.polling import eventually
from support.training_job import STEPS, Job, Process, make_job

PAUSE = 20
"""Steps after which the first worker pauses, so that a test disturbs a training that is not finished."""


def started(job: Job, dataset: str, *more_pauses: int) -> list[Process]:
    """Start two workers; return when there is a checkpoint and the first has paused."""
    workers = [job.worker(0, dataset, PAUSE, *more_pauses), job.worker(1, dataset)]
    job.await_pause(PAUSE)
    eventually(lambda: job.has_checkpoint(PAUSE), "there is a checkpoint")
    return workers


def test_two_workers_train_to_the_end(undisturbed: Job) -> None:
    first, second = undisturbed.processes[1:3]
    steps = [line["step"] for line in first.events("step")]
    assert steps[0] == 1
    assert steps[-1] == STEPS
    assert not second.events("step")
    assert first.outcome.reason == second.outcome.reason == "Completed"
    kept = sorted(path.name for path in undisturbed.checkpoints.iterdir())
    assert kept == [f"step-{STEPS - 20:08d}", f"step-{STEPS:08d}"]


def test_a_finished_job_is_not_trained_again(undisturbed: Job, dataset: str) -> None:
    late = undisturbed.worker(1, dataset)
    assert late.ends_with() == 0, late.text
    assert not late.events("generationJoined")


def test_publish_knows_more_than_frequencies(undisturbed: Job, dataset: str) -> None:
    publish = undisturbed.stage("publish", "--dataset", dataset)
    assert publish.ends_with() == 0, publish.text
    model = publish.outcome.model
    assert model is not None
    assert model.perplexity == pytest.approx(math.exp(model.loss))
    assert model.perplexity < model.unigram_perplexity
    assert model.sample.startswith("def ")
    assert model.path == "job-uid/model"
    exported = Path(undisturbed.run.job_directory) / "model"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= {path.name for path in exported.iterdir()}


def test_a_lost_worker_is_replaced_and_the_weights_are_the_same(job: Job, dataset: str, undisturbed: Job) -> None:
    coordinator = job.coordinator()
    survivor, lost = started(job, dataset, 40)
    lost.kill()
    eventually(lambda: bool(coordinator.events("memberDisconnected")), "the coordinator has noticed")
    job.resume(PAUSE)
    job.await_pause(40)
    replacement = job.worker(1, dataset)
    joins = partial(coordinator.events, "memberJoined")
    eventually(lambda: [join["worker"] for join in joins()].count(1) == 2, "the replacement has joined")
    job.resume(40)
    assert [survivor.ends_with(), replacement.ends_with()] == [0, 0], survivor.text + replacement.text
    assert not survivor.events("restored")
    assert [line["ranks"] for line in survivor.events("generationJoined")] == [2, 1, 2]
    assert replacement.events("generationJoined")
    assert job.last_weights() == undisturbed.last_weights()


def test_a_killed_rank_is_replaced_in_place_and_the_weights_are_the_same(
    job: Job, dataset: str, undisturbed: Job
) -> None:
    job.coordinator()
    first, second = started(job, dataset)
    os.kill(first.rank(), signal.SIGKILL)
    job.resume(PAUSE)
    assert [first.ends_with(), second.ends_with()] == [0, 0], first.text + second.text
    assert len(first.events("rankFailed")) == 1
    assert not second.events("restored")
    assert job.last_weights() == undisturbed.last_weights()


def test_a_halted_rank_is_replaced_without_delaying_the_others(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    first, second = started(job, dataset)
    os.kill(first.rank(), signal.SIGSTOP)
    job.resume(PAUSE)
    assert [first.ends_with(), second.ends_with()] == [0, 0], first.text + second.text
    assert len(first.events("rankFrozen")) == 1
    assert [line["ranks"] for line in second.events("generationJoined")][:2] == [2, 1]
    assert job.last_weights() == undisturbed.last_weights()


def test_a_worker_whose_rank_dies_too_often_gives_up_with_its_last_lines(job: Job, dataset: str) -> None:
    job.coordinator()
    first, second = started(job, dataset)
    for failures in range(1, MAX_RESTARTS + 2):
        os.kill(second.rank(), signal.SIGKILL)
        eventually(lambda: len(second.events("rankFailed")) == failures, "the failure is noticed")  # noqa: B023
    job.resume(PAUSE)
    assert second.ends_with() == ExitCode.FAILURE, second.text
    assert second.outcome.reason == "Crashed"
    assert second.outcome.message == "a trainer process was killed by SIGKILL"
    assert second.outcome.last_lines
    eventually(lambda: bool(first.events("generationEnded")), "the survivor has noticed")


def test_sigterm_stops_after_a_checkpoint_and_the_next_run_resumes(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    workers = started(job, dataset)
    for worker in workers:
        worker.popen.send_signal(signal.SIGTERM)
    job.resume(PAUSE)
    assert [worker.ends_with() for worker in workers] == [ExitCode.STOPPED] * 2, workers[0].text
    assert workers[0].outcome.reason == "Stopped"
    stopped_at = max(int(path.name[-8:]) for path in job.checkpoints.glob("step-*"))
    assert 20 <= stopped_at < STEPS
    again = [job.worker(number, dataset) for number in range(2)]
    assert [worker.ends_with() for worker in again] == [0, 0], again[0].text
    assert [line["step"] for worker in again for line in worker.events("restored")] == [stopped_at]
    assert job.last_weights() == undisturbed.last_weights()


def test_training_continues_without_a_coordinator(job: Job, dataset: str, undisturbed: Job) -> None:
    coordinator = job.coordinator()
    workers = started(job, dataset)
    coordinator.kill()
    job.resume(PAUSE)
    assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text + workers[1].text
    assert job.last_weights() == undisturbed.last_weights()


def test_a_path_without_files_is_bad_input(data: Path, tmp_path: Path) -> None:
    job = make_job(tmp_path, data, data={"source": {"volume": "datasets", "path": "nowhere"}})
    prepare = job.stage("prepare")
    assert prepare.ends_with() == ExitCode.BAD_INPUT
    assert prepare.outcome.reason == "BadInput"
    assert prepare.outcome.message.startswith("spec.data.source.path: 'nowhere' is not on volume 'datasets'; put UTF-8")
