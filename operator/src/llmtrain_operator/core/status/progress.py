"""Progress of the training and the newest checkpoint, as the coordinator reports them."""

from llmtrain_api.job_status import CheckpointStatus, JobStatus, ProgressStatus
from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_api.timestamps import format_duration


def with_progress(status: JobStatus, coordinator: CoordinatorStatus | None) -> JobStatus:
    """Return `status` with what the coordinator reports; values that a new coordinator does not have stay unchanged."""
    if coordinator is None:
        return status
    active = len({member.worker for member in coordinator.members})
    update: dict[str, object] = {"workers": status.workers.model_copy(update={"active": active})}
    if status.first_step_time is None and coordinator.first_step_time is not None:
        update["first_step_time"] = coordinator.first_step_time
    if (progress := coordinator.progress) is not None:
        update["progress"] = progress_status(progress, first_loss(status, coordinator))
        if progress.checkpoint is not None:
            update["checkpoint"] = CheckpointStatus(
                step=progress.checkpoint.step, time=progress.checkpoint.time, path=progress.checkpoint.path
            )
    return status.model_copy(update=update)


def first_loss(status: JobStatus, coordinator: CoordinatorStatus) -> str:
    """Return the loss of the first step: the one in the status if there is one, else the coordinator's."""
    if status.progress is not None and status.progress.first_loss:
        return status.progress.first_loss
    return format_loss(coordinator.first_loss)


def progress_status(progress: Progress, first_loss: str) -> ProgressStatus:
    """Return the progress in the form of the status, with the time left at the present speed."""
    tokens_per_step = progress.tokens // max(progress.step, 1)
    remaining_tokens = (progress.steps - progress.step) * tokens_per_step
    speed = progress.tokens_per_second
    return ProgressStatus(
        step=progress.step,
        steps=progress.steps,
        percent=100 * progress.step // max(progress.steps, 1),
        eta=format_duration(remaining_tokens / speed) if speed > 0 else "",
        loss=format_loss(progress.loss),
        first_loss=first_loss,
        held_out_loss=format_loss(progress.held_out_loss),
        tokens=progress.tokens,
        tokens_per_second=round(speed),
    )


def format_loss(loss: float | None) -> str:
    """Return a loss in nats per token with four decimals; empty if it is not known."""
    return "" if loss is None else f"{loss:.4f}"
