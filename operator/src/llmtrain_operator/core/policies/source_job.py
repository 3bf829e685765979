"""The job in `spec.model.from` or `spec.model.vectors`: one that starts from what it publishes waits until it has succeeded, and then
keeps the place.

A job has one of the two at most: vectors are for models that `spec.model.name` names.
"""

from dataclasses import replace

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import JobSpec, ModelSource, VectorSource
from llmtrain_api.job_results import ModelSourceStatus
from llmtrain_api.names import JOB_KIND
from llmtrain_api.tasks import LEARNED_AFTER
from llmtrain_operator.core.policies.admission import Blocker
from llmtrain_operator.core.policies.completion import has_succeeded, is_finished
from llmtrain_operator.core.policies.model_cycle import waiting_in_cycle
from llmtrain_operator.core.snapshot import Job

MODEL, VECTORS = "spec.model.from.job", "spec.model.vectors.job"


def awaited_job(job: Job) -> str | None:
    """Return the name of the job whose model or vectors a job needs to start; None if it needs none, or has started."""
    _, source = _source_of(job.spec)
    return source.job if source is not None and job.status.model_source is None else None


def model_source(job: Job, source_job: Job | None) -> ModelSourceStatus | None:
    """Return the place of the model or the vectors that a job starts from; None if `source_job` has published none that it can load.

    A job that has started keeps the place, whatever becomes of the other one.
    """
    if job.status.model_source is not None or awaited_job(job) is None:
        return job.status.model_source
    if source_job is None or source_job.status.model is None or missing_model(job, source_job) is not None:
        return None
    return ModelSourceStatus(volume=source_job.status.model.volume, path=source_job.status.model.path)


def with_model_source(job: Job, place: ModelSourceStatus | None) -> Job:
    """Return a job with the place of the model or the vectors in its spec, as if it named the volume and the path itself."""
    field, source = _source_of(job.spec)
    if source is None or place is None:
        return job
    located = source.model_copy(update={"volume": place.volume, "path": place.path})
    model = job.spec.model.model_copy(update={"vectors" if field == VECTORS else "source": located})
    return replace(job, spec=job.spec.model_copy(update={"model": model}))


def missing_model(job: Job, source_job: Job | None, error: str = "", cycle: tuple[str, ...] = ()) -> Blocker | None:
    """Return the blocker of a job whose model or vectors are not published; None if they are, or the job needs none.

    `source_job` is the job that publishes it, None if it does not exist or cannot be read because of `error`. `cycle` are
    jobs that wait for each other and, directly or not, this one for them.
    """
    if (name := awaited_job(job)) is None:
        return None
    if cycle:
        return waiting_in_cycle(_source_of(job.spec)[0], cycle)
    if source_job is None:
        return _unknown_job(job, name, error)
    field, _ = _source_of(job.spec)
    described, awaited = f"{field}: {JOB_KIND} '{name}'", "word vectors" if field == VECTORS else "model"
    if field == VECTORS and not _publishes_vectors(source_job.spec):
        message = f"{described} publishes no word vectors; name a job with task word-vectors"
        return Blocker(reason=Reason.MODEL_NOT_USABLE, message=message)
    if not is_finished(source_job.status):
        if source_job.deleting:
            message = f"{described} is being deleted before it has succeeded; create it again, or name another job"
            return Blocker(reason=Reason.JOB_NOT_FOUND, message=message)
        message = f"{described} has not succeeded yet; this job starts from its {awaited} when it has"
        return Blocker(reason=Reason.WAITING, message=message)
    if not has_succeeded(source_job.status):
        message = (
            f"{described} has failed, {_why_failed(source_job)}; create it again without the cause, or name another job"
        )
        return Blocker(reason=Reason.JOB_FAILED, message=message)
    if source_job.status.model is None:
        message = f"{described} has succeeded, but published no model; name another job"
        return Blocker(reason=Reason.MODEL_NOT_USABLE, message=message)
    if field == MODEL and (why := why_not_usable(job.spec, source_job.spec)) is not None:
        message = f"{described} {why}; name a job with another model, or change spec.task.name"
        return Blocker(reason=Reason.MODEL_NOT_USABLE, message=message)
    return None


def why_not_usable(spec: JobSpec, source: JobSpec) -> str | None:
    """Return why a job can't start from the model that a job with the spec `source` published; None if nothing is known against it.

    What is known is the name of the architecture. That of a model which came from a folder itself is only known to the stage
    *prepare*, which checks every model.
    """
    if source.entrypoint is not None:
        return "has run a program of its own, and published no model of a known kind"
    if source.task.name == "recommendation":
        return "has published a model whose tokens are items and no texts"
    if source.model.source is not None:
        return None
    learned = LEARNED_AFTER.get(source.model.name, ())
    if not learned:
        return f"has published a model of llmtrain's own kind {source.model.name}, which spec.model.from can't load"
    if spec.task.name not in learned:
        return f"has published a {source.model.name}, which can't learn the task {spec.task.name}"
    return None


def _source_of(spec: JobSpec) -> tuple[str, ModelSource | VectorSource | None]:
    """Return the field with the name of another job, and its parent; None if the spec names none."""
    fields = ((MODEL, spec.model.source), (VECTORS, spec.model.vectors))
    return next(((field, source) for field, source in fields if source is not None and source.job), (MODEL, None))


def _publishes_vectors(spec: JobSpec) -> bool:
    return spec.entrypoint is None and spec.task.name == "word-vectors"


def _unknown_job(job: Job, name: str, error: str) -> Blocker:
    field, _ = _source_of(job.spec)
    if error:
        message = f"{field}: the operator cannot read {JOB_KIND} '{name}': {error}; correct it, or upgrade the operator"
        return Blocker(reason=Reason.UNREADABLE, message=message)
    message = (
        f"{field}: namespace '{job.namespace}' has no {JOB_KIND} '{name}'; create it, or correct the name. If it was deleted "
        f"after it had succeeded, its model is kept: create this job with {field.removesuffix('.job')}.volume and path instead, "
        f"'{name}-*/model' on the checkpoint volume of the other one"
    )
    return Blocker(reason=Reason.JOB_NOT_FOUND, message=message)


def _why_failed(job: Job) -> str:
    failed = next(condition for condition in job.status.conditions if condition.type == JobCondition.FAILED)
    return f"{failed.reason}: {failed.message}"
