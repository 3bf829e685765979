"""Steps that were not applied because their loss or gradient norm is not finite, as status and event."""

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.progress_status import BadStepsStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.plan import Event


def with_bad_steps(status: JobStatus, coordinator: CoordinatorStatus | None) -> JobStatus:
    """Return `status` with the bad steps that the coordinator reports; those of a new one that has no report yet stay."""
    progress = coordinator.progress if coordinator else None
    if progress is None or progress.bad_step is None:
        return status
    bad_step = progress.bad_step
    bad_steps = BadStepsStatus(
        count=progress.bad_steps, step=bad_step.step, microbatch=bad_step.microbatch, message=bad_step.message
    )
    return status.model_copy(update={"bad_steps": bad_steps})


def bad_step_events(before: JobStatus, status: JobStatus) -> tuple[Event, ...]:
    """Return an event if there are more bad steps than before, about the newest one."""
    bad_steps = status.bad_steps
    if bad_steps is None or bad_steps == before.bad_steps:
        return ()
    message = f"step {bad_steps.step} was not applied: {bad_steps.message}; {bad_steps.count} such steps so far"
    return (Event(type="Warning", reason=Reason.BAD_STEP, message=message),)
