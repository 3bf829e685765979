"""Completion: how a job ends, and what its status keeps when the pods are gone."""

from datetime import datetime
from typing import Any

from llmtrain_api.conditions import JobCondition, Reason, is_true
from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, JobStatus, PodLogTail
from llmtrain_api.names import OUTPUT_FOLDER, job_directory
from llmtrain_api.timestamps import format_duration, format_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.deadline import deadline_exceeded
from llmtrain_operator.core.policies.failure_policy import failure_budget, permanent_failure
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan

MAX_LOG_LINES = 10
"""Log lines that the status keeps of each pod."""
MAX_LOGS = 16
"""Pods whose logs the status keeps."""


def is_finished(status: JobStatus) -> bool:
    """Return whether the job has succeeded or failed."""
    conditions = tuple(status.conditions)
    return is_true(conditions, JobCondition.SUCCEEDED) or is_true(conditions, JobCondition.FAILED)


def terminal_stage(
    job: Job, status: JobStatus, failures: tuple[Failure, ...], *, pods: tuple[PodView, ...], now: datetime
) -> StagePlan | None:
    """Return the stage that ends the job; None while it continues. `failures` are the new ones."""
    if (failure := failed_because(job, status, failures, now)) is not None:
        return failed(*failure, final_status_fields(pods, now))
    if is_complete(job, status):
        duration = format_duration((now - job.created).total_seconds())
        return succeeded(duration, success_message(job, status), final_status_fields(pods, now))
    return None


def failed_because(
    job: Job, status: JobStatus, failures: tuple[Failure, ...], now: datetime
) -> tuple[Reason, str] | None:
    """Return why the job has failed, with a message; None if it has not."""
    if (failure := permanent_failure(failures)) is not None:
        return Reason.BAD_INPUT, failure.message
    budget, used = failure_budget(job.spec.recovery), len(status.recoveries.times)
    if budget.is_exceeded(used):
        return Reason.TOO_MANY_FAILURES, failure_budget_message(budget, used, status.first_failure)
    if deadline_exceeded(job.spec, status.start_time, now):
        return Reason.DEADLINE_EXCEEDED, (
            f"the job did not finish within {job.spec.active_deadline_seconds} s of its start; "
            "create a new job with a larger spec.activeDeadlineSeconds"
        )
    return None


def failure_budget_message(budget: FailureBudget, used: int, first: Failure | None) -> str:
    """Return the message of an exceeded budget, with the first failure, which usually explains the others."""
    text = f"{budget.explain(used)}; correct the cause, or raise maxFailures, and create the job again"
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
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=Reason.COMPLETED, message=text),
            ConditionUpdate(type=JobCondition.SUCCEEDED, status=True, reason=Reason.COMPLETED, message=message),
        ),
        update=update,
    )


def failed(reason: Reason, message: str, update: dict[str, Any]) -> StagePlan:
    """Return the stage of a job that has failed permanently, with the final fields of its status."""
    return StagePlan(
        stage="Failed",
        conditions=(
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=reason, message=message),
            ConditionUpdate(type=JobCondition.FAILED, status=True, reason=reason, message=message),
        ),
        update=update,
    )


def success_message(job: Job, status: JobStatus) -> str:
    """Return what the job produced, and where it is."""
    spec, model = job.spec, status.model
    if model is not None:
        return (
            f"held-out perplexity {model.perplexity} (unigram model: {model.unigram_perplexity}); "
            f"the model is in {model.path} on volume {model.volume}"
        )
    program = spec.entrypoint.name if spec.entrypoint else ""
    output = f"{job_directory(job.name, job.uid)}/{OUTPUT_FOLDER}"
    return f"{program} completed; its output is in {output} on volume {spec.checkpoint.volume}"


def final_status_fields(pods: tuple[PodView, ...], now: datetime) -> dict[str, Any]:
    """Return the fields of the status that are set at the end: the finish time, and the logs of the pods."""
    logs = [
        PodLogTail(pod=pod.name, lines=[line[:1000] for line in outcome.last_lines[-MAX_LOG_LINES:]])
        for pod in pods
        if (outcome := pod.outcome) is not None and outcome.last_lines
    ]
    return {"finish_time": format_rfc3339(now), "logs": logs[:MAX_LOGS]}
