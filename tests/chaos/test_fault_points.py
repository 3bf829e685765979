"""A process may be killed, halted, hung or asked to stop at any fault point: the weights are those of an undisturbed run.

The seed is printed and chooses the step at which each fault is injected; LLMTRAIN_CHAOS_SEED repeats it.
"""

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from llmtrain_api.termination import ExitCode
from support.faults import CHECKPOINT_POINTS, SEED, STEP_POINTS, SYNC_POINTS, WRITER_POINTS, armed, fault
from support.polling import eventually
from support.training_job import STEPS, Job, Process, end, make_job


def marker_of(job: Job, number: int = 0) -> Path:
    """Return the file that exists once a fault was injected."""
    return job.root / f"injected-{number}"


def start_workers(job: Job, dataset: str, *faults: str, worker: int = 0) -> list[Process]:
    """Start a coordinator and two workers; the faults are injected into one of them."""
    return start_each(job, dataset, *((faults if number == worker else ()) for number in range(2)))


def start_each(job: Job, dataset: str, *faults: tuple[str, ...]) -> list[Process]:
    """Start a coordinator and a worker for each tuple of faults."""
    job.coordinator()
    return [
        job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **(armed(*each) if each else {}))
        for number, each in enumerate(faults)
    ]


def assert_exit_codes(workers: list[Process], *codes: int) -> None:
    assert [worker.ends_with() for worker in workers] == list(codes), "".join(worker.text for worker in workers)


def chosen_step(*case: str) -> int:
    """Return the step after which a case injects its fault."""
    step = random.Random(f"{SEED}/{case}").randrange(10, STEPS - 45)
    print(f"LLMTRAIN_CHAOS_SEED={SEED}: fault after step {step}")
    return step


@pytest.mark.parametrize("worker", [0, 1])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("point", STEP_POINTS)
def test_a_rank_is_killed_or_halted(
    job: Job, dataset: str, undisturbed: Job, point: str, name: str, worker: int
) -> None:
    injected = fault(point, name, marker=marker_of(job), step=chosen_step(point, name, str(worker)))
    workers = start_workers(job, dataset, injected, worker=worker)
    assert_exit_codes(workers, 0, 0)
    assert marker_of(job).exists()
    assert len(workers[worker].events("rankFailed")) == 1
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", STEP_POINTS)
def test_a_rank_hangs(data: Path, tmp_path: Path, dataset: str, undisturbed: Job, point: str) -> None:
    """The rank that hangs is killed, not the one that waits for it; its log has the stack."""
    job = make_job(tmp_path, data, recovery={"hangSeconds": 5})
    try:
        injected = fault(point, "HANG", marker=marker_of(job), step=chosen_step(point))
        workers = start_workers(job, dataset, injected, worker=1)
        assert_exit_codes(workers, 0, 0)
    finally:
        end(job)
    assert marker_of(job).exists()
    assert [len(worker.events("rankHung")) for worker in workers] == [0, 1]
    assert "sitecustomize.py" in workers[1].text
    assert job.last_weights() == undisturbed.last_weights()


def test_a_rank_that_leaves_slowly_keeps_its_lease(job: Job, dataset: str) -> None:
    workers = start_workers(job, dataset, fault("leave", "SLOW", marker=marker_of(job)))
    assert_exit_codes(workers, 0, 0)
    assert marker_of(job).exists()
    coordinator = job.processes[0]
    assert len(coordinator.events("memberLeft")) == 2
    assert coordinator.events("memberDisconnected") == coordinator.events("memberExpired") == []


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("point", CHECKPOINT_POINTS)
def test_the_first_rank_is_killed_or_halted_while_it_evaluates_or_saves(
    job: Job, dataset: str, undisturbed: Job, point: str, name: str
) -> None:
    workers = start_workers(job, dataset, fault(point, name, marker=marker_of(job), step=30))
    assert_exit_codes(workers, 0, 0)
    assert marker_of(job).exists()
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", WRITER_POINTS)
def test_a_checkpoint_writer_is_killed(job: Job, dataset: str, undisturbed: Job, point: str) -> None:
    """It costs one checkpoint; training continues."""
    workers = start_workers(job, dataset, fault(point, "SIGKILL", marker=marker_of(job)))
    assert_exit_codes(workers, 0, 0)
    assert marker_of(job).exists()
    assert len(workers[0].events("checkpointFailed")) == 1
    assert not workers[0].events("rankFailed")
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", SYNC_POINTS)
@pytest.mark.parametrize("worker", [0, 1])
def test_source_or_receiver_is_killed_during_state_synchronization(
    job: Job, dataset: str, undisturbed: Job, point: str, worker: int
) -> None:
    """The first fault makes rank 0 a receiver; the second is injected into it, or into the source of its state."""
    first = fault("forward", "SIGKILL", marker=marker_of(job, 0), step=20)
    second = fault(point, "SIGKILL", marker=marker_of(job, 1), step=1)
    workers = start_each(job, dataset, *([(first, second), ()] if worker == 0 else [(first,), (second,)]))
    assert_exit_codes(workers, 0, 0)
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", STEP_POINTS)
def test_a_rank_is_asked_to_stop(job: Job, dataset: str, undisturbed: Job, point: str) -> None:
    injected = fault(point, "SIGTERM", marker=marker_of(job), step=chosen_step(point))
    workers = start_workers(job, dataset, injected, worker=1)
    assert_exit_codes(workers, 0, ExitCode.STOPPED)
    assert not workers[0].events("restored")
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("point", ["backward", "all_gather"])
def test_a_supervisor_is_killed_or_asked_to_stop(
    job: Job, dataset: str, undisturbed: Job, point: str, name: str
) -> None:
    step = chosen_step(point, name)
    injected = fault(point, name, marker=marker_of(job), step=step, target="supervisor")
    workers = start_workers(job, dataset, injected, worker=1)
    assert workers[1].ends_with() != 0
    replacement = job.worker(1, dataset)
    assert_exit_codes([workers[0], replacement], 0, 0)
    assert job.last_weights() == undisturbed.last_weights()


def test_coordinator_and_rank_are_killed_together(job: Job, dataset: str, undisturbed: Job) -> None:
    coordinator = job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(20), "there is a checkpoint")
    coordinator.kill()
    os.kill(workers[1].rank(), signal.SIGKILL)
    job.coordinator()
    assert_exit_codes(workers, 0, 0)
    assert not workers[0].events("restored")
    assert job.last_weights() == undisturbed.last_weights()


def test_both_ranks_are_killed_together(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(40), "there is a checkpoint")
    for worker in workers:
        os.kill(worker.rank(), signal.SIGKILL)
    assert_exit_codes(workers, 0, 0)
    assert [line for worker in workers for line in worker.events("restored")]
    assert job.last_weights() == undisturbed.last_weights()


def test_a_torn_checkpoint_is_skipped(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(40), "there is a checkpoint")
    for worker in workers:
        worker.kill()
    newest = max(job.checkpoints.glob("step-*"))
    weights = newest / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    replacements = [job.worker(number, dataset) for number in range(2)]
    assert_exit_codes(replacements, 0, 0)
    rejected = [line for worker in replacements for line in worker.events("checkpointRejected")]
    assert rejected[0]["checkpoint"] == newest.name
    assert job.last_weights() == undisturbed.last_weights()
    shutil.rmtree(job.checkpoints)
