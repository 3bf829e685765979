"""The life of a job: from a snapshot of it to what has to be done now."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from llmtrain_api.conditions import JobCondition, Reason, is_true
from llmtrain_api.job_status import DatasetStatus, Failure, JobStatus, ModelStatus, WorkersStatus
from llmtrain_api.names import JOB_LABEL, ROLE_LABEL
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.plan import Event, Plan
from llmtrain_operator.core.policies.admission import first_blocker
from llmtrain_operator.core.policies.completion import plan_cleanup, remaining_deadline, terminal_stage
from llmtrain_operator.core.policies.failure_policy import (
    failure_of,
    is_lost,
    new_failed_pods,
    record,
    recorded_failed_pods,
)
from llmtrain_operator.core.policies.suspend import suspend
from llmtrain_operator.core.snapshot import JobSnapshot
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan, build_plan, is_finished, pod_reference
from llmtrain_operator.core.stages import prepare, publish, train
from llmtrain_operator.core.status.goodput import with_goodput
from llmtrain_operator.core.status.progress import with_progress
from llmtrain_operator.core.status.recoveries import new_recoveries, process_failures, recovery_events, with_recoveries


def plan_job(observed: JobSnapshot) -> Plan:
    """Bring one job one step nearer to what its owner asked for."""
    if is_finished(observed.job.status):
        return plan_cleanup(observed)
    recoveries = new_recoveries(observed.job.status, observed.coordinator)
    failures = (
        *(failure_of(observed, pod) for pod in new_failed_pods(observed)),
        *process_failures(observed.job.name, recoveries),
    )
    status = with_results(with_progress(with_worker_counts(observed), observed.coordinator), observed)
    status = with_recoveries(status, recoveries)
    window = timedelta(seconds=observed.job.spec.recovery.window_seconds)
    status = record(status, failures, window, observed.now)
    if (end := terminal_stage(observed, status, failures)) is not None:
        return with_goodput(observed, build_plan(observed, status, end))
    step = suspend(observed, status) if observed.job.spec.suspend else next_stage(observed, status)
    plan = with_failures(observed, build_plan(observed, status, resumed(observed, step)), failures)
    return with_goodput(observed, replace(plan, events=(*plan.events, *recovery_events(recoveries))))


def rejected(observed: JobSnapshot, sentence: str) -> Plan:
    """Return the plan that says what the API server would not take."""
    message = f"the Kubernetes API refused an object of this job: {sentence}"
    said = ConditionUpdate(type=JobCondition.SCHEDULED, status=False, reason=Reason.API_REJECTED, message=message)
    return build_plan(
        observed, observed.job.status, StagePlan(stage=observed.job.status.stage or "Waiting", said=(said,))
    )


def with_worker_counts(observed: JobSnapshot) -> JobStatus:
    """Return the status with the workers counted and what the operator looks at noted."""
    job = observed.job
    workers = WorkersStatus(
        desired=job.spec.workers.replicas,
        ready=len([pod for pod in observed.with_role("worker") if pod.ready and not pod.deleting]),
        active=job.status.workers.active,
        selector=f"{JOB_LABEL}={job.name},{ROLE_LABEL}=worker",
    )
    return job.status.model_copy(update={"observed_generation": job.metadata_generation, "workers": workers})


def with_results(status: JobStatus, observed: JobSnapshot) -> JobStatus:
    """Return `status` with what the finished pods made."""
    update: dict[str, Any] = {}
    for pod in observed.pods:
        outcome = pod.outcome if pod.phase == "Succeeded" else None
        if outcome is not None and outcome.dataset is not None:
            facts = outcome.dataset
            update["dataset"] = DatasetStatus(
                id=facts.id, tokens=facts.tokens, held_out_tokens=facts.held_out_tokens, vocab_size=facts.vocab_size
            )
        if outcome is not None and outcome.model is not None:
            made = outcome.model
            update["model"] = ModelStatus(
                volume=observed.job.spec.checkpoint.volume,
                path=made.path,
                parameters=made.parameters,
                sha256=made.sha256,
                loss=f"{made.loss:.4f}",
                perplexity=f"{made.perplexity:.1f}",
                unigram_perplexity=f"{made.unigram_perplexity:.1f}",
                sample=made.sample,
            )
    if training_completed(observed):
        update["training_completed"] = True
    return status.model_copy(update=update) if update else status


def training_completed(observed: JobSnapshot) -> bool:
    """Return whether the training is done: a worker ends well only when the last checkpoint is there.

    Those that still run find that out and end too; a replacement that has no node yet isn't needed any more. A program
    of the user's own must have come to its end in every worker, as only it knows what is left to do.
    """
    workers = observed.with_role("worker")
    spec = observed.job.spec
    if spec.entrypoint is not None:
        return {pod.worker for pod in workers if pod.phase == "Succeeded"} >= set(range(spec.workers.replicas))
    running = [pod for pod in workers if pod.phase == "Running" and not is_lost(observed, pod)]
    return not running and any(pod.phase == "Succeeded" for pod in workers)


def next_stage(observed: JobSnapshot, status: JobStatus) -> StagePlan:
    """Do the next stage, unless something stands in the way of starting it."""
    started = bool(observed.pods)
    if not started and (blocked := first_blocker(observed)) is not None:
        return waiting(blocked.reason, blocked.message)
    first = observed.job.status.start_time is None
    if first:
        status = status.model_copy(update=start_fields(observed))
    if status.dataset is None and observed.job.spec.entrypoint is None:
        step = prepare(observed, status)
    elif not status.training_completed:
        step = train(observed, status)
    else:
        step = publish(observed, status)
    if not first:
        return step
    return replace(step, update={**step.update, **start_fields(observed)}, events=no_gang_event(observed))


def start_fields(observed: JobSnapshot) -> dict[str, Any]:
    """Return what is fixed when a job starts: the images stay those through upgrades of the operator."""
    spec, images = observed.job.spec, observed.images
    default = images.trainer if spec.workers.gpus else images.trainer_cpu
    return {
        "start_time": format_rfc3339(observed.now),
        "trainer_image": spec.image or default,
        "coordinator_image": images.coordinator,
    }


def no_gang_event(observed: JobSnapshot) -> tuple[Event, ...]:
    """Return the event that says that pods are scheduled one by one, where gang scheduling was hoped for."""
    if observed.gang_available or observed.job.spec.scheduling.gang == "Off":
        return ()
    text = "the API server serves no scheduling.k8s.io/v1beta1 PodGroups: pods are scheduled one by one, not as a gang"
    return (Event(type="Warning", reason=Reason.NO_GANG_SCHEDULING, message=text),)


def waiting(reason: Reason, message: str) -> StagePlan:
    """The job can't start yet; whatever is missing is looked for again when it changes."""
    return StagePlan(
        stage="Waiting",
        said=(
            ConditionUpdate(type=JobCondition.SCHEDULED, status=False, reason=reason, message=message),
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=reason, message=message),
        ),
    )


def resumed(observed: JobSnapshot, step: StagePlan) -> StagePlan:
    """Return `step`, saying also that the job is no longer suspended, if it was; and when its deadline is."""
    conditions = tuple(observed.job.status.conditions)
    said = step.said
    if is_true(conditions, JobCondition.SUSPENDED) and not observed.job.spec.suspend:
        text = "goes on from the last checkpoint"
        said = (
            *said,
            ConditionUpdate(type=JobCondition.SUSPENDED, status=False, reason=Reason.NOT_SUSPENDED, message=text),
        )
    times = [time for time in (step.requeue_after, remaining_deadline(observed)) if time is not None]
    return replace(step, said=said, requeue_after=min(times) if times else None)


def with_failures(observed: JobSnapshot, plan: Plan, failures: tuple[Failure, ...]) -> Plan:
    """Return `plan` with an event for each new failure; pods recorded earlier are deleted, to be replaced."""
    events = tuple(
        Event(
            type="Warning",
            reason=Reason.WORKER_FAILED,
            message=f"pod {failure.pod} on {failure.node or 'no node'} ended with {failure.reason} (exit code {failure.exit_code}): {failure.message}",
        )
        for failure in failures
    )
    gone = tuple(pod_reference(observed, pod) for pod in recorded_failed_pods(observed))
    return replace(plan, delete=(*plan.delete, *gone), events=(*events, *plan.events))
