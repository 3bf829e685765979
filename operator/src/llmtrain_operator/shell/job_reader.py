"""Reads jobs, each version once: a job is looked at far more often than it changes, above all to ask its coordinator."""

from collections import OrderedDict

from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.timestamps import parse_rfc3339
from llmtrain_operator.core.manifest import Manifest, generation_of, is_deleting
from llmtrain_operator.core.snapshot import Job

MAX_JOBS = 4096
"""Jobs that are kept, of which those that were read last stay."""


class JobReader:
    """The newest version of each job that was read."""

    def __init__(self) -> None:
        self.jobs: OrderedDict[str, tuple[str, Job]] = OrderedDict()
        """The resourceVersion of each job, and what was read, by uid."""

    def read(self, manifest: Manifest) -> Job:
        """Return a job as the API server returned it; ValueError if its spec or status does not match this version."""
        metadata = manifest["metadata"]
        uid, version = metadata["uid"], metadata.get("resourceVersion")
        known = self.jobs.get(uid)
        if known is not None and version and known[0] == version:
            self.jobs.move_to_end(uid)
            return known[1]
        job = job_of(manifest)
        if version:
            self.jobs[uid] = (version, job)
            self.jobs.move_to_end(uid)
            while len(self.jobs) > MAX_JOBS:
                self.jobs.popitem(last=False)
        return job


def job_of(manifest: Manifest) -> Job:
    """Return the job in a manifest; ValueError if its spec or status does not match this version."""
    metadata = manifest["metadata"]
    return Job(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        metadata_generation=generation_of(manifest),
        created=parse_rfc3339(metadata["creationTimestamp"]),
        deleting=is_deleting(manifest),
        spec=JobSpec.from_server(manifest["spec"]),
        status=JobStatus.from_server(manifest.get("status") or {}),
    )
