"""Reads jobs, each version once: a job is looked at far more often than it changes, above all to ask its coordinator.

A spec is read once for all versions that differ in the status only: the API server increases the generation with each change
of the spec.
"""

from collections import OrderedDict

from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.timestamps import parse_rfc3339
from llmtrain_operator.core.manifest import Manifest, generation_of, is_deleting, text_at
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
        if (known := self.known(manifest)) is not None:
            self.jobs.move_to_end(known.uid)
            return known
        uid, version = manifest["metadata"]["uid"], manifest["metadata"].get("resourceVersion")
        job = job_of(manifest, spec=self.known_spec(manifest))
        if version:
            self.jobs[uid] = (version, job)
            self.jobs.move_to_end(uid)
            while len(self.jobs) > MAX_JOBS:
                self.jobs.popitem(last=False)
        return job

    def known(self, manifest: Manifest) -> Job | None:
        """Return a job if this version of it was read before, else None. Another thread may call it."""
        version, job = self.jobs.get(text_at(manifest, "metadata", "uid"), ("", None))
        return job if version and version == text_at(manifest, "metadata", "resourceVersion") else None

    def known_spec(self, manifest: Manifest) -> JobSpec | None:
        """Return the spec of a job if a version of the same generation was read before, else None."""
        _, job = self.jobs.get(text_at(manifest, "metadata", "uid"), ("", None))
        return job.spec if job is not None and 0 < job.metadata_generation == generation_of(manifest) else None


def job_of(manifest: Manifest, spec: JobSpec | None = None) -> Job:
    """Return the job in a manifest; ValueError if its status, or its spec where it is not given, does not match this version."""
    metadata = manifest["metadata"]
    return Job(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        metadata_generation=generation_of(manifest),
        created=parse_rfc3339(metadata["creationTimestamp"]),
        deleting=is_deleting(manifest),
        spec=spec or JobSpec.from_server(manifest["spec"]),
        status=JobStatus.from_server(manifest.get("status") or {}),
    )
