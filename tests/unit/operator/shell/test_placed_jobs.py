"""The GPUs of jobs that are placed in a pool, before their pods are scheduled."""

from typing import Any

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.placed_jobs import PlacedJob, PlacedJobs

KEY = ("ns", "j")
DONE = [{"type": "Succeeded", "status": "True"}]


def job(pool: object = "h200", replicas: object = 2, gpus: object = 8, **status: Any) -> Manifest:
    workers = {"replicas": replicas, "gpus": gpus}
    return {"spec": {"cluster": "c", "workers": workers}, "status": {"pool": pool, **status}}


def test_the_sum_follows_each_job() -> None:
    jobs = PlacedJobs()
    jobs.put(KEY, PlacedJob.of(job()))
    jobs.put(("ns", "other"), PlacedJob.of(job(replicas=1)))
    assert jobs.requested("c", "h200") == 24
    jobs.put(KEY, PlacedJob.of(job(replicas=4)))
    assert jobs.requested("c", "h200") == 40
    jobs.put(KEY, PlacedJob.of(job(pool="spot")))
    assert (jobs.requested("c", "h200"), jobs.requested("c", "spot")) == (8, 16)
    jobs.put(KEY, None)
    jobs.put(KEY, None)
    assert (jobs.requested("c", "spot"), jobs.requested("other", "h200")) == (0, 0)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(job(pool=""), id="a job that is not placed, such as a suspended one"),
        pytest.param(job(conditions=DONE), id="a job that has ended"),
        pytest.param(job(pool=7), id="a pool that is no text"),
        pytest.param(job(replicas="many"), id="replicas that are no number"),
        pytest.param({"spec": None, "status": None}, id="a job without anything"),
    ],
)
def test_other_jobs_request_nothing(found: Manifest) -> None:
    assert PlacedJob.of(found) is None
