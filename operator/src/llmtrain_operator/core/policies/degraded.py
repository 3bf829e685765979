"""Training that goes on with less than it should have: fewer workers than wanted, or checkpoints that fail."""

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.snapshot import JobSnapshot
from llmtrain_operator.core.stage_plan import ConditionUpdate


def degraded(observed: JobSnapshot, status: JobStatus) -> tuple[ConditionUpdate, ...]:
    """Return what to say of it: nothing until the first step is done, or while nobody knows."""
    seen, workers = observed.coordinator, observed.job.spec.workers
    if seen is None or status.first_step_time is None or seen.state == "Finished":
        return ()
    if seen.generation == 0:
        return ()  # a new coordinator, which has yet to hear from those that train
    if seen.state == "Waiting":
        text = f"{seen.joined // workers.ranks} workers are left and wait with their state: spec.workers.min is {workers.min}"
        return (ConditionUpdate(type=JobCondition.DEGRADED, status=True, reason=Reason.TOO_FEW_WORKERS, message=text),)
    if status.workers.active < workers.replicas:
        text = f"training goes on with {status.workers.active} of {workers.replicas} workers; the others join when their pods run"
        return (ConditionUpdate(type=JobCondition.DEGRADED, status=True, reason=Reason.WORKERS_MISSING, message=text),)
    if seen.progress is not None and seen.progress.checkpoint_error:
        volume = observed.job.spec.checkpoint.volume
        text = f"training goes on, but its newest checkpoint could not be written: {seen.progress.checkpoint_error}; make room on volume {volume}, or see why it refuses"
        return (
            ConditionUpdate(type=JobCondition.DEGRADED, status=True, reason=Reason.CHECKPOINT_FAILED, message=text),
        )
    text = f"all {workers.replicas} workers train"
    return (ConditionUpdate(type=JobCondition.DEGRADED, status=False, reason=Reason.ALL_WORKERS, message=text),)
