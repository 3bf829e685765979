"""Workers by state."""

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.status.workers import with_worker_counts
from unit.operator.builders import job, pod


def test_ready_workers_are_counted_without_those_that_are_being_deleted() -> None:
    workers = (pod("j-worker-0"), pod("j-worker-1", deleting=True), pod("j-worker-2", phase="Pending"))
    status = with_worker_counts(JobStatus(), job(workers={"replicas": 3}), workers)
    assert (status.workers.desired, status.workers.ready) == (3, 1)
    assert status.observed_generation == 1


def test_the_active_workers_stay_those_that_the_coordinator_reported() -> None:
    before = JobStatus.model_validate({"workers": {"active": 2}})
    assert with_worker_counts(before, job(), ()).workers.active == 2


def test_the_selector_finds_the_workers_of_the_job() -> None:
    assert "=j," in with_worker_counts(JobStatus(), job(), ()).workers.selector
