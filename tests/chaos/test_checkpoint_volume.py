"""A checkpoint volume that damages a checkpoint or answers with errors: the same weights, or the correct refusal."""

from pathlib import Path

import pytest

from llmtrain_api.termination import ExitCode
from support.faults import armed, fault
from support.polling import eventually
from support.training_job import STEPS, Job, end, make_job


def damage(job: Job, step: int) -> None:
    """Flip a bit of a checkpoint, as a bad disk does."""
    weights = job.checkpoints / f"step-{step:08d}" / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def stop_after_a_checkpoint(job: Job, dataset: str) -> None:
    """Train with two workers, and kill everything once there is a checkpoint."""
    processes = [job.coordinator(), *(job.worker(number, dataset) for number in range(2))]
    eventually(lambda: job.has_checkpoint(40), "there is a checkpoint")
    for process in processes:
        process.kill()


def train(job: Job, dataset: str, **environment: str) -> None:
    """Train to the end with two workers and a new coordinator."""
    coordinator = job.coordinator()
    workers = [
        job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **environment) for number in range(2)
    ]
    assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text + workers[1].text
    coordinator.kill()


def test_a_checkpoint_damaged_between_write_and_publish_is_not_published_and_is_trained_again(
    job: Job, dataset: str, undisturbed: Job
) -> None:
    train(job, dataset)
    damage(job, STEPS)
    publish = job.stage("publish", "--dataset", dataset)
    assert publish.ends_with() == ExitCode.FAILURE, publish.text
    assert publish.outcome.reason == "Crashed"
    assert f"step-{STEPS:08d}/weights.safetensors is corrupt" in publish.outcome.message
    assert f"is of step {STEPS - 20}, which is not the model" in publish.outcome.message
    train(job, dataset)
    assert job.last_weights() == undisturbed.last_weights()
    published = job.stage("publish", "--dataset", dataset)
    assert published.ends_with() == 0, published.text


def test_if_every_checkpoint_is_damaged_the_job_is_refused(job: Job, dataset: str) -> None:
    train(job, dataset)
    for directory in job.checkpoints.glob("step-*"):
        damage(job, int(directory.name.removeprefix("step-")))
    job.stage("publish", "--dataset", dataset).ends_with()
    job.coordinator(workers=1)
    worker = job.worker(0, dataset)
    assert worker.ends_with() == ExitCode.BAD_INPUT, worker.text
    assert "is damaged" in worker.outcome.message
    assert not worker.events("initialized")


@pytest.mark.timeout(300)
def test_a_volume_answers_with_eio_for_20_seconds_while_the_state_is_restored(
    job: Job, dataset: str, undisturbed: Job
) -> None:
    stop_after_a_checkpoint(job, dataset)
    marker = job.root / "injected"
    train(job, dataset, **armed(fault("read", "EIO", marker=marker)))
    assert marker.exists()
    texts = [process.text for process in job.processes]
    assert any("checkpointUnreadable" in text and "Input/output error" in text for text in texts)
    assert not any('"event": "initialized"' in text for text in texts[3:])
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.timeout(300)
def test_a_volume_answers_with_eio_for_20_seconds_while_checkpoints_are_written(
    job: Job, dataset: str, undisturbed: Job
) -> None:
    """Checkpoints fail, and the last one is tried again until the volume answers."""
    marker = job.root / "injected"
    train(job, dataset, **armed(fault("write", "EIO", marker=marker)))
    assert marker.exists()
    failed = [line for process in job.processes for line in process.events("checkpointFailed")]
    assert "Input/output error" in str(failed[0]["message"])
    assert not [line for process in job.processes for line in process.events("rankFailed")]
    assert job.last_weights() == undisturbed.last_weights()


def test_a_read_that_takes_longer_than_a_hang_is_no_hang(
    data: Path, tmp_path: Path, dataset: str, undisturbed: Job
) -> None:
    """Reading both files takes 8 s, and a rank without progress for 5 s is killed."""
    job = make_job(tmp_path, data, recovery={"hangSeconds": 5})
    try:
        stop_after_a_checkpoint(job, dataset)
        markers = [job.root / f"slow-{number}" for number in range(2)]
        train(job, dataset, **armed(*(fault("read", "SLOW", marker=marker) for marker in markers)))
    finally:
        end(job)
    assert all(marker.exists() for marker in markers)
    assert not [line for process in job.processes for line in process.events("rankHung")]
    assert job.last_weights() == undisturbed.last_weights()


def test_ranks_that_restore_survive_a_kill_while_they_read(job: Job, dataset: str, undisturbed: Job) -> None:
    """The rank that reads is killed; the next one reads again."""
    stop_after_a_checkpoint(job, dataset)
    marker = job.root / "injected"
    train(job, dataset, **armed(fault("read", "SIGKILL", marker=marker)))
    assert marker.exists()
    assert job.last_weights() == undisturbed.last_weights()
