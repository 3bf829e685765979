"""Whatever dies, halts or is asked to stop, and wherever: the weights are those of an undisturbed run.

The seed is printed and chooses at which step each fault strikes; LLMTRAIN_CHAOS_SEED replays it.
"""

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from llmtrain_api.termination import ExitCode
from support.faults import SEED, armed, fault
from support.polling import eventually
from support.training_job import STEPS, Job, Process, end, make_job

IN_A_STEP = ["forward", "backward", "exchange", "gather", "update"]
SOMETIMES = ["evaluation", "snapshot", "order"]


def disturbed(job: Job, dataset: str, *faults: str, worker: int = 0) -> list[Process]:
    """Two workers and a coordinator; the faults are armed in one worker."""
    job.coordinator()
    return [
        job.stage(
            "worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **(armed(*faults) if number == worker else {})
        )
        for number in range(2)
    ]


def chosen_step(*words: str) -> int:
    """Return the step at which a case strikes."""
    step = random.Random(f"{SEED}/{words}").randrange(10, STEPS - 45)
    print(f"LLMTRAIN_CHAOS_SEED={SEED}: strikes after step {step}")
    return step


@pytest.mark.parametrize("worker", [0, 1])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("point", IN_A_STEP)
def test_a_rank_dies_or_halts(job: Job, dataset: str, undisturbed: Job, point: str, name: str, worker: int) -> None:
    struck = fault(job, point, name, "rank", chosen_step(point, name, str(worker)))
    workers = disturbed(job, dataset, struck, worker=worker)
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert (job.root / "struck-0").exists()
    assert len(workers[worker].events("rankDied")) == 1
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", IN_A_STEP)
def test_a_rank_hangs(data: Path, tmp_path: Path, dataset: str, undisturbed: Job, point: str) -> None:
    """The one that hangs is named and killed, not the one that waits for it; its log says where it stood."""
    job = make_job(tmp_path, data, recovery={"hangSeconds": 5})
    try:
        workers = disturbed(job, dataset, fault(job, point, "HANG", "rank", chosen_step(point)), worker=1)
        assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    finally:
        end(job)
    assert (job.root / "struck-0").exists()
    assert [len(each.events("rankHung")) for each in workers] == [0, 1]
    assert "sitecustomize.py" in workers[1].text
    assert job.last_weights() == undisturbed.last_weights()


def test_who_takes_long_to_say_goodbye_is_not_taken_for_dead(job: Job, dataset: str) -> None:
    workers = disturbed(job, dataset, fault(job, "farewell", "SLOW", "rank", 0))
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert (job.root / "struck-0").exists()
    coordinator = job.processes[0]
    assert len(coordinator.events("memberLeft")) == 2
    assert coordinator.events("memberDisconnected") == coordinator.events("memberExpired") == []


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("point", SOMETIMES)
def test_the_first_rank_dies_or_halts_while_it_looks_back(
    job: Job, dataset: str, undisturbed: Job, point: str, name: str
) -> None:
    workers = disturbed(job, dataset, fault(job, point, name, "rank", 30))
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert (job.root / "struck-0").exists()
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", ["write", "rename"])
def test_a_writer_dies(job: Job, dataset: str, undisturbed: Job, point: str) -> None:
    """It costs one checkpoint, and the training nothing."""
    workers = disturbed(job, dataset, fault(job, point, "SIGKILL", "rank", 0))
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert (job.root / "struck-0").exists()
    assert len(workers[0].events("checkpointFailed")) == 1
    assert not workers[0].events("rankDied")
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", ["handover", "broadcast"])
@pytest.mark.parametrize("worker", [0, 1])
def test_a_newcomer_or_its_source_dies_in_the_handover(
    job: Job, dataset: str, undisturbed: Job, point: str, worker: int
) -> None:
    """The first fault makes a newcomer; the second strikes it, or the one it gets its state from."""
    first, second = fault(job, "forward", "SIGKILL", "rank", 20), fault(job, point, "SIGKILL", "rank", 1, 1)
    if worker == 0:
        workers = disturbed(job, dataset, first, second)
    else:
        job.coordinator()
        workers = [
            job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **armed(struck))
            for number, struck in enumerate((first, second))
        ]
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("point", IN_A_STEP)
def test_a_rank_is_asked_to_stop(job: Job, dataset: str, undisturbed: Job, point: str) -> None:
    workers = disturbed(job, dataset, fault(job, point, "SIGTERM", "rank", chosen_step(point)), worker=1)
    assert [each.ends_with() for each in workers] == [0, ExitCode.STOPPED], workers[0].text + workers[1].text
    assert not workers[0].events("restored")
    assert job.last_weights() == undisturbed.last_weights()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("point", ["backward", "gather"])
def test_a_supervisor_dies_or_is_asked_to_stop(job: Job, dataset: str, undisturbed: Job, point: str, name: str) -> None:
    workers = disturbed(job, dataset, fault(job, point, name, "supervisor", chosen_step(point, name)), worker=1)
    assert workers[1].ends_with() != 0
    again = job.worker(1, dataset)
    assert [workers[0].ends_with(), again.ends_with()] == [0, 0], workers[0].text + again.text
    assert job.last_weights() == undisturbed.last_weights()


def test_coordinator_and_rank_die_together(job: Job, dataset: str, undisturbed: Job) -> None:
    coordinator = job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(20), "there is a checkpoint")
    coordinator.kill()
    os.kill(workers[1].rank(), signal.SIGKILL)
    job.coordinator()
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert not workers[0].events("restored")
    assert job.last_weights() == undisturbed.last_weights()


def test_both_ranks_die_together(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(40), "there is a checkpoint")
    for worker in workers:
        os.kill(worker.rank(), signal.SIGKILL)
    assert [each.ends_with() for each in workers] == [0, 0], workers[0].text + workers[1].text
    assert [line for worker in workers for line in worker.events("restored")]
    assert job.last_weights() == undisturbed.last_weights()


def test_a_torn_checkpoint_is_passed_over(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    eventually(lambda: job.has_checkpoint(40), "there is a checkpoint")
    for worker in workers:
        worker.kill()
    newest = max(job.checkpoints.glob("step-*"))
    weights = newest / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    again = [job.worker(number, dataset) for number in range(2)]
    assert [each.ends_with() for each in again] == [0, 0], again[0].text + again[1].text
    refused = [line for worker in again for line in worker.events("checkpointRefused")]
    assert refused[0]["checkpoint"] == newest.name
    assert job.last_weights() == undisturbed.last_weights()
    shutil.rmtree(job.checkpoints)
