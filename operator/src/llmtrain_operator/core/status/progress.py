"""The coordinator's figures as status."""

from llmtrain_api.job_status import CheckpointStatus, JobStatus, ProgressStatus
from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_api.timestamps import format_duration


def progress_status(progress: Progress, tokens_per_step: int, first_loss: float | None) -> ProgressStatus:
    """Return how far the training is, for people."""
    remaining = (progress.steps - progress.step) * tokens_per_step
    eta = format_duration(remaining / progress.tokens_per_second) if progress.tokens_per_second > 0 else ""
    return ProgressStatus(
        step=progress.step,
        steps=progress.steps,
        percent=100 * progress.step // max(progress.steps, 1),
        eta=eta,
        loss=f"{progress.loss:.4f}",
        first_loss="" if first_loss is None else f"{first_loss:.4f}",
        held_out_loss="" if progress.held_out_loss is None else f"{progress.held_out_loss:.4f}",
        tokens=progress.tokens,
        tokens_per_second=round(progress.tokens_per_second),
    )


def with_progress(status: JobStatus, seen: CoordinatorStatus | None) -> JobStatus:
    """Return `status` with what the coordinator knows; what it has forgotten stays as it was."""
    if seen is None:
        return status
    update: dict[str, object] = {
        "workers": status.workers.model_copy(update={"active": len({member.worker for member in seen.members})})
    }
    if status.first_step_time is None and seen.first_step_time is not None:
        update["first_step_time"] = seen.first_step_time
    if (progress := seen.progress) is not None:
        before = status.progress.first_loss if status.progress else ""
        tokens_per_step = progress.tokens // max(progress.step, 1)
        fresh = progress_status(progress, tokens_per_step, seen.first_loss)
        update["progress"] = fresh.model_copy(update={"first_loss": before}) if before else fresh
        if progress.checkpoint is not None:
            update["checkpoint"] = CheckpointStatus(
                step=progress.checkpoint.step, time=progress.checkpoint.time, path=progress.checkpoint.path
            )
    return status.model_copy(update=update)
