"""Divergence: a loss that is not finite. Training continues for some steps; a model of it is a failure."""

import math

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import Training
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.stage_plan import ConditionUpdate

REMEDY = (
    "create a new job with a lower spec.training.optimizer.learningRate, more spec.training.warmupSteps or a lower "
    "spec.training.clipNorm"
)


def diverged_conditions(training: Training, status: JobStatus) -> tuple[ConditionUpdate, ...]:
    """Return the condition Degraded of a job whose newest loss is not finite; nothing for any other job."""
    progress = status.progress
    if progress is None or is_finite(progress.loss):
        return ()
    bad_steps = status.bad_steps
    what = bad_steps.message if bad_steps else f"the loss of step {progress.step} is {progress.loss}"
    message = (
        f"the training diverges: {what}. Such steps are not applied; after {training.bad_steps} of them in a row the job "
        f"fails (spec.training.badSteps). Unless the loss becomes finite again, {REMEDY}"
    )
    return (ConditionUpdate(type=JobCondition.DEGRADED, status=True, reason=Reason.DIVERGED, message=message),)


def diverged_because(status: JobStatus) -> tuple[Reason, str] | None:
    """Return why a job whose model has no finite loss has failed, with a message; None for any other job."""
    model = status.model
    if model is None or is_finite(model.loss):
        return None
    return Reason.DIVERGED, (
        f"the training diverged: the held-out loss of the model is {model.loss}; {REMEDY}. "
        f"The diverged model is in {model.path} on volume {model.volume}"
    )


def is_finite(loss: str) -> bool:
    """Return whether a loss in the form of the status is finite, or not known."""
    try:
        return not loss or math.isfinite(float(loss))
    except ValueError:
        return True
