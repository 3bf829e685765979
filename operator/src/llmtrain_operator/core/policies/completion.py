"""How a job ends: what decides it, what stays in the status, what is deleted, and when the job itself goes."""

from datetime import timedelta

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import Failure, JobStatus, PodLogTail
from llmtrain_api.names import API_VERSION, JOB_KIND, OUTPUT_FOLDER, job_directory
from llmtrain_api.timestamps import format_duration, format_rfc3339, parse_rfc3339
from llmtrain_operator.core.plan import ObjectReference, Plan
from llmtrain_operator.core.policies.failure_policy import permanent_failure
from llmtrain_operator.core.snapshot import JobSnapshot
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan, object_references, pod_reference

LAST_LINES = 10
MOST_LOGS = 16


def terminal_stage(observed: JobSnapshot, status: JobStatus, failures: tuple[Failure, ...]) -> StagePlan | None:
    """Return the step that ends the job, if its end has come."""
    if (failure := permanent_failure(failures)) is not None:
        return failed(observed, Reason.BAD_INPUT, failure.message)
    recovery = observed.job.spec.recovery
    if len(status.recoveries.times) > recovery.max_failures:
        return failed(observed, Reason.TOO_MANY_FAILURES, failure_budget_message(status, observed))
    if (left := remaining_deadline(observed)) is not None and left <= timedelta(0):
        seconds = observed.job.spec.active_deadline_seconds
        return failed(
            observed,
            Reason.DEADLINE_EXCEEDED,
            f"the job was not done {seconds} s after its start; raise spec.activeDeadlineSeconds in a new job",
        )
    if status.model is not None or (status.training_completed and observed.job.spec.entrypoint is not None):
        return succeeded(observed, status)
    return None


def failure_budget_message(status: JobStatus, observed: JobSnapshot) -> str:
    """Return the sentence for a spent budget, with the first failure, which usually explains the others."""
    recovery, first = observed.job.spec.recovery, status.first_failure
    text = f"{len(status.recoveries.times)} failures within {recovery.window_seconds} s, and spec.recovery.maxFailures is {recovery.max_failures}"
    if first is None:
        return text
    return f"{text}; the first: {first.pod} on {first.node or 'no node'} ended with {first.reason}: {first.message}"


def remaining_deadline(observed: JobSnapshot) -> timedelta | None:
    """Return the time until the job's deadline, or None without one."""
    seconds, start = observed.job.spec.active_deadline_seconds, observed.job.status.start_time
    if seconds is None or start is None:
        return None
    return parse_rfc3339(start) + timedelta(seconds=seconds) - observed.now


def succeeded(observed: JobSnapshot, status: JobStatus) -> StagePlan:
    """The model is trained, evaluated and exported; or the user's program has come to its end."""
    took = format_duration((observed.now - observed.job.created).total_seconds())
    text = success_message(observed, status)
    return StagePlan(
        stage="Succeeded",
        said=(
            ConditionUpdate(
                type=JobCondition.RUNNING, status=False, reason=Reason.COMPLETED, message=f"done after {took}"
            ),
            ConditionUpdate(type=JobCondition.SUCCEEDED, status=True, reason=Reason.COMPLETED, message=text),
        ),
        update=final_status_fields(observed),
    )


def success_message(observed: JobSnapshot, status: JobStatus) -> str:
    """Return what a job made, and where it is."""
    spec, model = observed.job.spec, status.model
    if model is not None:
        return f"held-out perplexity {model.perplexity} (unigram {model.unigram_perplexity}); the model is in {model.path} on volume {model.volume}"
    program = spec.entrypoint.name if spec.entrypoint else ""
    folder = f"{job_directory(observed.job.name, observed.job.uid)}/{OUTPUT_FOLDER}"
    return f"{program} ran to its end; what it made is in {folder} on volume {spec.checkpoint.volume}"


def failed(observed: JobSnapshot, reason: Reason, message: str) -> StagePlan:
    """The job has failed for good."""
    return StagePlan(
        stage="Failed",
        said=(
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=reason, message=message),
            ConditionUpdate(type=JobCondition.FAILED, status=True, reason=reason, message=message),
        ),
        update=final_status_fields(observed),
    )


def final_status_fields(observed: JobSnapshot) -> dict[str, object]:
    """Return the fields of the status that keep what people want when the pods are gone."""
    logs = [
        PodLogTail(pod=pod.name, lines=[line[:1000] for line in outcome.last_lines[-LAST_LINES:]])
        for pod in observed.pods
        if (outcome := pod.outcome) is not None and outcome.last_lines
    ]
    return {"finish_time": format_rfc3339(observed.now), "logs": logs[:MOST_LOGS]}


def plan_cleanup(observed: JobSnapshot) -> Plan:
    """Return what is left to do for a job that is over: clean up, and later delete it."""
    pods = tuple(pod_reference(observed, pod) for pod in observed.pods if not pod.deleting)
    others = object_references(observed, ("Service", "ConfigMap", "PodGroup"))
    if pods or others:
        return Plan(delete=(*pods, *others))
    return plan_ttl(observed)


def plan_ttl(observed: JobSnapshot) -> Plan:
    """Delete the job when its time to live is over, or say when to look again."""
    job = observed.job
    ttl, finished = job.spec.ttl_seconds_after_finished, job.status.finish_time
    if ttl is None or finished is None:
        return Plan()
    left = parse_rfc3339(finished) + timedelta(seconds=ttl) - observed.now
    if left > timedelta(0):
        return Plan(requeue_after=left)
    return Plan(
        delete=(
            ObjectReference(
                api_version=API_VERSION, kind=JOB_KIND, namespace=job.namespace, name=job.name, uid=job.uid
            ),
        )
    )
