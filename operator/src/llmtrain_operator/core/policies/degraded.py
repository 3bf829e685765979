"""Degraded: training continues with less than the spec asks for: missing workers, or failing checkpoints."""

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.stage_plan import ConditionUpdate


def degraded_conditions(
    spec: JobSpec, status: JobStatus, coordinator: CoordinatorStatus | None
) -> tuple[ConditionUpdate, ...]:
    """Return the condition Degraded; nothing before the first step, or while the state is unknown.

    A coordinator at generation 0 has just started, and the ranks that train have not sent it a heartbeat yet.
    """
    if coordinator is None or coordinator.generation == 0 or coordinator.state == "Finished":
        return ()
    if status.first_step_time is None:
        return ()
    reason, message = degraded_because(spec, status.workers.active, coordinator)
    is_degraded = reason is not Reason.ALL_WORKERS
    return (ConditionUpdate(type=JobCondition.DEGRADED, status=is_degraded, reason=reason, message=message),)


def degraded_because(spec: JobSpec, active: int, coordinator: CoordinatorStatus) -> tuple[Reason, str]:
    """Return the reason and message of the condition Degraded; `active` workers take part in the training."""
    workers, progress = spec.workers, coordinator.progress
    if coordinator.state == "Waiting":
        left = coordinator.joined // workers.ranks
        return Reason.TOO_FEW_WORKERS, (
            f"{left} of {workers.replicas} workers are left, fewer than spec.workers.min ({workers.min}); they keep their "
            "state and wait for others; add capacity, or lower spec.workers.min to continue with those that are left"
        )
    if active < workers.replicas:
        return Reason.WORKERS_MISSING, (
            f"training continues with {active} of {workers.replicas} workers; the others join when their pods run; "
            "add capacity if the pods stay pending, or lower spec.workers.replicas"
        )
    if progress is not None and progress.checkpoint_error:
        return Reason.CHECKPOINT_FAILED, (
            f"training continues, but the newest checkpoint could not be written: {progress.checkpoint_error}; "
            f"free space on volume {spec.checkpoint.volume}, or check why it rejects writes"
        )
    return Reason.ALL_WORKERS, f"all {workers.replicas} workers are training"
