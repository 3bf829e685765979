"""Completion: how a job ends, and what its status keeps when the pods are gone."""

from datetime import datetime
from typing import Any

from llmtrain_api.conditions import JobCondition, Reason, is_true
from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_results import ModelStatus
from llmtrain_api.job_status import Failure, JobStatus, PodLogTail
from llmtrain_api.names import OUTPUT_FOLDER, job_directory
from llmtrain_api.timestamps import format_duration, format_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.deadline import deadline_exceeded
from llmtrain_operator.core.policies.failure_policy import failure_budget, permanent_failure
from llmtrain_operator.core.policies.failure_rules import failed_by_rule
from llmtrain_operator.core.policies.incidents import has_new_incident, incidents_in_window
from llmtrain_operator.core.policies.program_error import repeated_program_error
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan

MAX_LOG_LINES = 10
"""Log lines that the status keeps of each pod."""
MAX_LOGS = 16
"""Pods whose logs the status keeps."""


def is_finished(status: JobStatus) -> bool:
    """Return whether the job has succeeded or failed."""
    return has_succeeded(status) or is_true(tuple(status.conditions), JobCondition.FAILED)


def has_succeeded(status: JobStatus) -> bool:
    """Return whether the job has succeeded."""
    return is_true(tuple(status.conditions), JobCondition.SUCCEEDED)


def terminal_stage(
    job: Job, status: JobStatus, failures: tuple[Failure, ...], *, pods: tuple[PodView, ...], now: datetime
) -> StagePlan | None:
    """Return the stage that ends the job; None while it continues. `failures` are the new ones.

    A job that has its result has succeeded, whatever else has happened until the operator sees that.
    """
    if is_complete(job, status):
        duration = format_duration((now - job.created).total_seconds())
        return succeeded(duration, success_message(job, status), final_status_fields(status, pods, now))
    if (failure := failed_because(job, status, failures, now)) is not None:
        return failed(*failure, final_status_fields(status, pods, now))
    return None


def failed_because(
    job: Job, status: JobStatus, failures: tuple[Failure, ...], now: datetime
) -> tuple[Reason, str] | None:
    """Return why the job has failed, with a message; None if it has not. `failures` are the new ones in `status`."""
    if (ruled := failed_by_rule(failures)) is not None:
        return ruled
    if (failure := permanent_failure(failures)) is not None:
        return Reason.DIVERGED if failure.reason == "Diverged" else Reason.BAD_INPUT, failure.message
    if (error := repeated_program_error(job.status, status, failures)) is not None:
        return error
    budget = failure_budget(job.spec.recovery)
    used = len(incidents_in_window(status.recoveries.times, budget, now))
    if has_new_incident(job.status, status) and budget.is_exceeded(used):  # a lower budget does not judge the past
        return Reason.TOO_MANY_FAILURES, failure_budget_message(budget, used, status.first_failure)
    if deadline_exceeded(job.spec, status, now):
        return Reason.DEADLINE_EXCEEDED, (
            f"the job did not finish within {job.spec.active_deadline_seconds} s of its start; "
            "create a new job with a larger spec.activeDeadlineSeconds"
        )
    return None


def failure_budget_message(budget: FailureBudget, used: int, first: Failure | None) -> str:
    """Return the message of an exceeded budget, with the first failure, which usually explains the others."""
    text = f"{budget.explain(used, 'incident')}; correct the cause, or raise maxFailures, and create the job again"
    if first is None:
        return text
    return f"{text}; first failure: {first.pod} on {first.node or 'no node'} ended with {first.reason}: {first.message}"


def is_complete(job: Job, status: JobStatus) -> bool:
    """Return whether everything is done: the model is published, or the user's program has completed."""
    return status.model is not None or (status.training_completed and job.spec.entrypoint is not None)


def succeeded(duration: str, message: str, update: dict[str, Any]) -> StagePlan:
    """Return the stage of a job that has succeeded after `duration`, with the final fields of its status."""
    text = f"completed after {duration}"
    return StagePlan(
        stage="Succeeded",
        conditions=(
            *stopped_conditions(Reason.COMPLETED, text),
            # Pods can end before it was recorded that they have a node.
            ConditionUpdate(
                type=JobCondition.SCHEDULED, status=True, reason=Reason.SCHEDULED, message="all pods had a node"
            ),
            ConditionUpdate(type=JobCondition.SUCCEEDED, status=True, reason=Reason.COMPLETED, message=message),
        ),
        update=update,
    )


def failed(reason: Reason, message: str, update: dict[str, Any]) -> StagePlan:
    """Return the stage of a job that has failed permanently, with the final fields of its status."""
    return StagePlan(
        stage="Failed",
        conditions=(
            *stopped_conditions(reason, message),
            ConditionUpdate(type=JobCondition.FAILED, status=True, reason=reason, message=message),
        ),
        update=update,
    )


def stopped_conditions(reason: Reason, message: str) -> tuple[ConditionUpdate, ...]:
    """Return the conditions of a job that no longer trains, and so with nothing less than it asks for."""
    return tuple(
        ConditionUpdate(type=type, status=False, reason=reason, message=message)
        for type in (JobCondition.RUNNING, JobCondition.DEGRADED)
    )


def success_message(job: Job, status: JobStatus) -> str:
    """Return what the job produced, and where it is."""
    spec, model = job.spec, status.model
    if model is not None:
        ending = f"{model.ending}; " if model.ending else ""
        return f"{ending}held-out {held_out_scores(model)}; the model is in {model.path} on volume {model.volume}"
    program = spec.entrypoint.name if spec.entrypoint else ""
    output = f"{job_directory(job.name, job.uid)}/{OUTPUT_FOLDER}"
    return f"{program} completed; its output is in {output} on volume {spec.checkpoint.volume}"


def held_out_scores(model: ModelStatus) -> str:
    """Return the perplexity of a language model, or the scores of another task."""
    if model.metrics:
        return ", ".join(f"{name} {value}" for name, value in model.metrics.items())
    return f"perplexity {model.perplexity} (unigram model: {model.unigram_perplexity})"


def final_status_fields(status: JobStatus, pods: tuple[PodView, ...], now: datetime) -> dict[str, Any]:
    """Return the fields of the status that are set at the end: the time, no workers, and the logs of the pods."""
    workers = status.workers.model_copy(update={"ready": 0, "active": 0})
    fields = {"finish_time": format_rfc3339(now), "workers": workers, "logs": final_logs(status, pods)}
    if status.progress is None:
        return fields
    return {**fields, "progress": status.progress.model_copy(update={"eta": ""})}


def final_logs(status: JobStatus, pods: tuple[PodView, ...]) -> list[PodLogTail]:
    """Return as many last log lines as the status keeps: of many pods those of the first failure and of failed ones."""
    first = status.first_failure.uid if status.first_failure else ""
    chosen = sorted(pods, key=lambda pod: (pod.uid != first, pod.phase != "Failed"))
    tails = log_tails(pods)
    return tails if len(tails) <= MAX_LOGS else log_tails(tuple(chosen))[:MAX_LOGS]


def finished_status(status: JobStatus, pods: tuple[PodView, ...], metadata_generation: int) -> JobStatus:
    """Return the status of a finished job for the present spec, with the logs of pods that have ended since the end."""
    logged = {tail.pod for tail in status.logs}
    late = [tail for tail in log_tails(pods) if tail.pod not in logged]
    update = {"observed_generation": metadata_generation, "logs": [*status.logs, *late][:MAX_LOGS]}
    return status.model_copy(update=update)


def log_tails(pods: tuple[PodView, ...]) -> list[PodLogTail]:
    """Return the last log lines of those pods that have ended with some."""
    return [
        PodLogTail(pod=pod.name, lines=[line[:1000] for line in tail[-MAX_LOG_LINES:]])
        for pod in pods
        if (tail := last_lines(pod))
    ]


def last_lines(pod: PodView) -> list[str]:
    """Return the last log lines of a pod: from its termination message, or those that the kubelet has kept."""
    outcome = pod.outcome
    return outcome.last_lines if outcome is not None else pod.end_message.splitlines()
