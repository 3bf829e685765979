"""Progress of the training and the newest checkpoint, as the coordinator reports them."""

import math

from llmtrain_api.job_status import CheckpointStatus, JobStatus
from llmtrain_api.progress_status import ProgressStatus
from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_api.timestamps import format_duration

MAX_ETA_SECONDS = 100 * 365 * 86400
MAX_DECIMAL = 1e12
"""Figures from here on are written with an exponent."""


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


def differs_in_figures_only(answer: CoordinatorStatus, before: CoordinatorStatus) -> bool:
    """Return whether a coordinator's answer changes no more than figures, which the status shows some seconds later."""
    return without_figures(answer) == without_figures(before)


def without_figures(answer: CoordinatorStatus) -> tuple[CoordinatorStatus, object]:
    """Return an answer without the figures of its progress, and what conditions report of these."""
    progress = answer.progress
    reported = progress and (
        progress.generation,
        progress.checkpoint_error,
        progress.bad_step,
        math.isfinite(progress.loss),
    )
    return answer.model_copy(update={"progress": None, "ledger": None}), reported


def first_loss(status: JobStatus, coordinator: CoordinatorStatus) -> str:
    """Return the loss of the first step: the one in the status if there is one, else the coordinator's."""
    if status.progress is not None and status.progress.first_loss:
        return status.progress.first_loss
    return format_loss(coordinator.first_loss)


def progress_status(progress: Progress, first_loss: str) -> ProgressStatus:
    """Return the progress in the form of the status, with the time left at the present speed."""
    tokens_per_step = progress.tokens // max(progress.step, 1)
    remaining_tokens = max(0, progress.steps - progress.step) * tokens_per_step
    speed = progress.tokens_per_second
    return ProgressStatus(
        step=progress.step,
        steps=progress.steps,
        percent=min(100, 100 * progress.step // max(progress.steps, 1)),
        eta=remaining_time(remaining_tokens, speed),
        loss=format_loss(progress.loss),
        first_loss=first_loss,
        held_out_loss=format_loss(progress.held_out_loss),
        tokens=progress.tokens,
        tokens_per_second=round(speed),
    )


def remaining_time(tokens: int, tokens_per_second: float) -> str:
    """Return how long `tokens` take; empty if it is not known, or longer than any job lives."""
    if tokens_per_second <= 0 or tokens / tokens_per_second > MAX_ETA_SECONDS:
        return ""
    return format_duration(tokens / tokens_per_second)


def format_loss(loss: float | None) -> str:
    """Return a loss with four decimals, or `nan` or `inf`; empty if it is not known."""
    return "" if loss is None else format_figure(loss, 4)


def format_figure(figure: float, decimals: int) -> str:
    """Return a figure with some decimals, as short text even if it is huge or not finite."""
    return f"{figure:.{decimals}f}" if abs(figure) < MAX_DECIMAL else f"{figure:.6g}"
