"""How a job ends: what decides it, what stays in the status, what is deleted, and when the job itself goes."""

from datetime import timedelta

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import Failure, JobStatus, PodLog
from llmtrain_api.names import API_VERSION, JOB_KIND, OUTPUT_FOLDER, job_directory
from llmtrain_operator.core.failures import permanent
from llmtrain_operator.core.observed import Observed
from llmtrain_operator.core.plan import Plan, Reference
from llmtrain_operator.core.step import Said, Step, object_references, pod_reference
from llmtrain_operator.core.times import duration, parse, stamp

LAST_LINES = 10
MOST_LOGS = 16


def verdict(observed: Observed, status: JobStatus, failures: tuple[Failure, ...]) -> Step | None:
    """Return the step that ends the job, if its end has come."""
    if (failure := permanent(failures)) is not None:
        return failed(observed, Reason.BAD_INPUT, failure.message)
    recovery = observed.job.spec.recovery
    if len(status.recoveries.times) > recovery.max_failures:
        return failed(observed, Reason.TOO_MANY_FAILURES, too_many(status, observed))
    if (left := time_left(observed)) is not None and left <= timedelta(0):
        seconds = observed.job.spec.active_deadline_seconds
        return failed(
            observed,
            Reason.DEADLINE_EXCEEDED,
            f"the job was not done {seconds} s after its start; raise spec.activeDeadlineSeconds in a new job",
        )
    if status.model is not None or (status.trained and observed.job.spec.entrypoint is not None):
        return succeeded(observed, status)
    return None


def too_many(status: JobStatus, observed: Observed) -> str:
    """Return the sentence for a spent budget, with the first failure, which usually explains the others."""
    recovery, first = observed.job.spec.recovery, status.first_failure
    text = f"{len(status.recoveries.times)} failures within {recovery.window_seconds} s, and spec.recovery.maxFailures is {recovery.max_failures}"
    if first is None:
        return text
    return f"{text}; the first: {first.pod} on {first.node or 'no node'} ended with {first.reason}: {first.message}"


def time_left(observed: Observed) -> timedelta | None:
    """Return the time until the job's deadline, or None without one."""
    seconds, start = observed.job.spec.active_deadline_seconds, observed.job.status.start_time
    if seconds is None or start is None:
        return None
    return parse(start) + timedelta(seconds=seconds) - observed.now


def succeeded(observed: Observed, status: JobStatus) -> Step:
    """The model is trained, evaluated and exported; or the user's program has come to its end."""
    took = duration((observed.now - observed.job.created).total_seconds())
    text = what_came_of_it(observed, status)
    return Step(
        stage="Succeeded",
        said=(
            Said(type=JobCondition.RUNNING, status=False, reason=Reason.COMPLETED, message=f"done after {took}"),
            Said(type=JobCondition.SUCCEEDED, status=True, reason=Reason.COMPLETED, message=text),
        ),
        update=last_words(observed),
    )


def what_came_of_it(observed: Observed, status: JobStatus) -> str:
    """Return what a job made, and where it is."""
    spec, model = observed.job.spec, status.model
    if model is not None:
        return f"held-out perplexity {model.perplexity} (unigram {model.unigram_perplexity}); the model is in {model.path} on volume {model.volume}"
    program = spec.entrypoint.name if spec.entrypoint else ""
    folder = f"{job_directory(observed.job.name, observed.job.uid)}/{OUTPUT_FOLDER}"
    return f"{program} ran to its end; what it made is in {folder} on volume {spec.checkpoint.volume}"


def failed(observed: Observed, reason: Reason, message: str) -> Step:
    """The job has failed for good."""
    return Step(
        stage="Failed",
        said=(
            Said(type=JobCondition.RUNNING, status=False, reason=reason, message=message),
            Said(type=JobCondition.FAILED, status=True, reason=reason, message=message),
        ),
        update=last_words(observed),
    )


def last_words(observed: Observed) -> dict[str, object]:
    """Return the fields of the status that keep what people want when the pods are gone."""
    logs = [
        PodLog(pod=pod.name, lines=[line[:1000] for line in outcome.last_lines[-LAST_LINES:]])
        for pod in observed.pods
        if (outcome := pod.outcome) is not None and outcome.last_lines
    ]
    return {"finish_time": stamp(observed.now), "logs": logs[:MOST_LOGS]}


def after_the_end(observed: Observed) -> Plan:
    """Return what is left to do for a job that is over: clean up, and later delete it."""
    pods = tuple(pod_reference(observed, pod) for pod in observed.pods if not pod.deleting)
    others = object_references(observed, ("Service", "ConfigMap", "PodGroup"))
    if pods or others:
        return Plan(delete=(*pods, *others))
    return expire(observed)


def expire(observed: Observed) -> Plan:
    """Delete the job when its time to live is over, or say when to look again."""
    job = observed.job
    ttl, finished = job.spec.ttl_seconds_after_finished, job.status.finish_time
    if ttl is None or finished is None:
        return Plan()
    left = parse(finished) + timedelta(seconds=ttl) - observed.now
    if left > timedelta(0):
        return Plan(requeue_after=left)
    return Plan(
        delete=(Reference(api_version=API_VERSION, kind=JOB_KIND, namespace=job.namespace, name=job.name, uid=job.uid),)
    )
