"""GPUs that jobs request in the compute pools that they are placed in, as running sums.

Pods hold GPUs only once they are scheduled. Without these sums, jobs that start together would all be placed in the same pool.
"""

from collections import Counter
from typing import NamedTuple

from llmtrain_operator.core.manifest import Manifest, text_at, value_at
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.shell.relevance import JobKey, is_finished

MAX_GPUS = 2**31 - 1
"""The most GPUs that are counted of one job."""


class PlacedJob(NamedTuple):
    """What is kept of a job that is placed in a compute pool."""

    cluster: str
    pool: str
    gpus: int

    @classmethod
    def of(cls, job: Manifest) -> "PlacedJob | None":
        """Return what is kept of a job; None if it has no pool, has finished, or requests no GPUs."""
        pool = text_at(job, "status", "pool")
        replicas, gpus = (value_at(job, "spec", "workers", name) for name in ("replicas", "gpus"))
        if not pool or is_finished(job) or not isinstance(replicas, int) or not isinstance(gpus, int):
            return None
        return cls(text_at(job, "spec", "cluster"), pool, min(max(replicas * gpus, 0), MAX_GPUS))

    @classmethod
    def in_pool(cls, job: Job, pool: str) -> "PlacedJob":
        """Return what is kept of a job that is being placed in a pool."""
        return cls(job.spec.cluster, pool, job.spec.workers.replicas * job.spec.workers.gpus)


class PlacedJobs:
    """The GPUs that placed jobs request, by LLMCluster and compute pool."""

    def __init__(self) -> None:
        self.jobs: dict[JobKey, PlacedJob] = {}
        self.gpus: Counter[tuple[str, str]] = Counter()

    def put(self, key: JobKey, after: PlacedJob | None) -> None:
        """Count a job as it is now, or as it is being placed; None if it requests nothing or no longer exists."""
        before = self.jobs.pop(key, None)
        if before is not None:
            self.gpus[before.cluster, before.pool] -= before.gpus
        if after is not None:
            self.jobs[key] = after
            self.gpus[after.cluster, after.pool] += after.gpus

    def requested(self, cluster: str, pool: str) -> int:
        """Return the GPUs that the jobs in a pool request."""
        return self.gpus[cluster, pool]
