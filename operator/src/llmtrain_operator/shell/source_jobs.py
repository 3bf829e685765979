"""Jobs that start from the model of another one: which that is, and which jobs wait for it, directly or not."""

from collections.abc import Mapping

from llmtrain_operator.core.manifest import Manifest, is_deleting
from llmtrain_operator.core.policies.model_cycle import model_cycle
from llmtrain_operator.core.policies.source_job import awaited_job
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.unreadable import cause_of
from llmtrain_operator.shell.job_reader import JobReader
from llmtrain_operator.shell.key_index import KeyIndex
from llmtrain_operator.shell.relevance import JobKey, awaited_jobs, is_finished
from llmtrain_operator.shell.work_queue import Key


def read_source_job(jobs: Mapping[JobKey, Manifest], job: Job, reader: JobReader) -> tuple[Job | None, str]:
    """Return the job whose model a job waits for, if it exists; or None and why it cannot be read."""
    name = awaited_job(job)
    manifest = jobs.get((job.namespace, name)) if name is not None else None
    if manifest is None:
        return None, ""
    try:
        return reader.read(manifest), ""
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return None, cause_of(error)


def find_cycle(jobs: Mapping[JobKey, Manifest], job: Job) -> tuple[str, ...]:
    """Return the jobs that wait for each other's model, of which `job` is one or waits for one; usually there are none."""

    def awaited(name: str) -> str | None:
        manifest = jobs.get((job.namespace, name))
        if manifest is None or is_deleting(manifest) or is_finished(manifest):
            return None
        return next((awaited for _, awaited in awaited_jobs(manifest)), None)

    return model_cycle(job.name, awaited) if awaited_job(job) is not None else ()


def successors_of(index: KeyIndex[JobKey], key: JobKey) -> tuple[Key, ...]:
    """Return the jobs that wait for the model of a job, directly or through others; `index` has those that wait by that one."""
    found: dict[Key, None] = {}
    awaited = [key]
    while awaited:
        for successor in index.of(awaited.pop()):
            if successor not in found:
                found[successor] = None
                awaited.append((successor.namespace, successor.name))
    return tuple(found)
