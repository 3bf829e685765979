"""How far the training of a job is, in its status."""

from typing import Annotated

from pydantic import Field

from llmtrain_api.model import Model, Sentence


class ProgressStatus(Model):
    """Progress of the training."""

    step: Annotated[int, Field(ge=0)]
    """Optimizer steps done."""
    steps: Annotated[int, Field(ge=0)]
    """Total number of optimizer steps."""
    percent: Annotated[int, Field(ge=0, le=100)]
    """Steps done, in percent."""
    eta: Annotated[str, Field(max_length=32)] = ""
    """Estimated time left at the current speed, such as 1h20m."""
    loss: Annotated[str, Field(max_length=32)]
    """Training loss of the last step, in nats per token, or the task's loss per sample."""
    first_loss: Annotated[str, Field(max_length=32)] = ""
    """Training loss of the first step, in nats per token, or the task's loss per sample."""
    held_out_loss: Annotated[str, Field(max_length=32)] = ""
    """Held-out loss at the last evaluation, in nats per token, or the task's loss per sample."""
    tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens trained on, replayed steps excluded."""
    tokens_per_second: Annotated[int, Field(ge=0)] = 0
    """Training throughput of all ranks."""


class BadStepsStatus(Model):
    """Steps that were not applied, because their loss or gradient norm is not finite."""

    count: Annotated[int, Field(ge=0)] = 0
    """Such steps since training began. Steps that were repeated after a recovery count once."""
    step: Annotated[int, Field(ge=0)] = 0
    """The newest of them."""
    microbatch: Annotated[int, Field(ge=0)] | None = None
    """Its first microbatch, counted from 0, whose loss or gradients are not finite. Unset if only their sum is not."""
    message: Sentence = ""
    """What was not finite, and where."""
