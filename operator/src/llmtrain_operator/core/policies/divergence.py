"""Divergence: a loss that is not finite. Training continues, as one step can be an outlier; a model of it is a failure."""

import math

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.stage_plan import ConditionUpdate

REMEDY = (
    "create a new job with a lower spec.training.optimizer.learningRate, more spec.training.warmupSteps or a lower "
    "spec.training.clipNorm"
)


def diverged_conditions(status: JobStatus) -> tuple[ConditionUpdate, ...]:
    """Return the condition Degraded of a job whose newest loss is not finite; nothing for any other job."""
    progress = status.progress
    if progress is None or is_finite(progress.loss):
        return ()
    message = (
        f"the training diverged: the loss of step {progress.step} is {progress.loss}, and weights of such a step are lost; "
        f"unless the loss becomes finite again, delete the job and {REMEDY}"
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
