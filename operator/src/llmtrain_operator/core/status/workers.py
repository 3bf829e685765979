"""Workers by state, and the generation of the spec that the operator acts on."""

from llmtrain_api.job_status import JobStatus, WorkersStatus
from llmtrain_api.names import JOB_LABEL, ROLE_LABEL
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Job


def with_worker_counts(status: JobStatus, job: Job, workers: tuple[PodView, ...]) -> JobStatus:
    """Return `status` with the worker pods of `job` counted and its generation as the observed one."""
    counts = WorkersStatus(
        desired=job.spec.workers.replicas,
        ready=len([pod for pod in workers if pod.ready and not pod.deleting]),
        active=status.workers.active,
        selector=f"{JOB_LABEL}={job.name},{ROLE_LABEL}=worker",
    )
    return status.model_copy(update={"observed_generation": job.metadata_generation, "workers": counts})
