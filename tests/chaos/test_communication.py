"""Ranks that cannot reach each other, and bytes that arrive late."""

import os
import signal

from llmtrain_api.termination import ExitCode
from support.faults import armed, fault
from support.polling import eventually
from support.training_job import Job


def test_ranks_that_cannot_connect_give_up_with_the_cause(job: Job, dataset: str) -> None:
    job.coordinator()
    failing = fault("connect", "FAIL", marker=job.root / "unused")
    workers = [
        job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **armed(failing)) for number in range(2)
    ]
    assert [worker.ends_with() for worker in workers] == [ExitCode.COMMUNICATION] * 2, workers[0].text
    for worker in workers:
        assert worker.outcome.reason == "CommunicationFailed"
        assert "Duplicate GPU detected : rank 1 and rank 0" in worker.outcome.message
        assert len(worker.events("generationEnded")) == 3
        assert not worker.events("restored")


def test_a_connection_that_fails_once_costs_one_generation(job: Job, dataset: str, undisturbed: Job) -> None:
    job.coordinator()
    killed = fault("connect", "SIGKILL", marker=job.root / "killed")
    workers = [
        job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER="0"),
        job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER="1", **armed(killed)),
    ]
    assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text
    assert (job.root / "killed").exists()
    assert job.last_weights() == undisturbed.last_weights()


def test_bytes_of_a_peer_that_was_given_up_change_nothing(job: Job, dataset: str, undisturbed: Job) -> None:
    """A worker is frozen beyond its lease, so that the other one trains alone; then what it had begun to send arrives."""
    job.coordinator()
    workers = [job.worker(number, dataset, *((60,) if number == 0 else ())) for number in range(2)]
    eventually(lambda: job.has_checkpoint(20), "both train")
    os.killpg(workers[1].popen.pid, signal.SIGSTOP)
    eventually(lambda: [member.worker for member in job.status().members] == [0], "the other one trains alone")
    job.await_pause(60)
    os.killpg(workers[1].popen.pid, signal.SIGCONT)
    eventually(lambda: len(job.processes[0].events("memberJoined")) > 2, "it joins again")
    job.resume(60)
    assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text + workers[1].text
    assert workers[0].events("generationEnded")
    assert job.last_weights() == undisturbed.last_weights()
