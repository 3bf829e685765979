"""What is trained: the interface between a network with its loss, and the training state that updates its weights.

`GPTTask` trains a language model, `LabelledLearner` a network for labelled sequences,
`RecommendationTask` a recommender, `UserTask` the model of a user's program. `TrainState` holds a task and knows nothing else of what it trains.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from llmtrain_trainer.distributed.collectives import Collectives

PingWatchdog = Callable[[], None]
"""Reports to the watchdog that this rank makes progress."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How good a model is on held-out data."""

    loss: float
    """In nats per token or per sample, or another unit of the task. Checkpoints are compared by it."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Further scores by name."""


class Task(Protocol):
    """A network, its initial weights, its loss and, optionally, its evaluation."""

    @property
    def model(self) -> nn.Module:
        """The network. Parameters that require gradients are trained, all others stay as they are."""

    @property
    def spec_field(self) -> str:
        """Field of the job that defines the network, for error messages."""

    @property
    def data_name(self) -> str:
        """Name of the training data, which checkpoints record."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What the task's weights depend on besides the settings of every job, by field: checkpoints record it."""

    @property
    def uses_rng(self) -> bool:
        """Whether the loss draws random numbers."""

    @property
    def flops_per_token(self) -> int | None:
        """Floating-point operations to train on one token; None if unknown."""

    @property
    def tokens_per_term(self) -> float:
        """Tokens for each term of the loss, on average: 1 if each token has one."""

    def init_weights(self) -> None:
        """Set the initial weights: the same ones on every rank."""

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch of `step`, both counted from 0, and the number of terms in the sum."""

    def check_peers(self, ranks: Collectives) -> None:
        """Check, together with all ranks, that what training does not change is the same on each. BadInput if not."""

    def evaluate(self, ranks: Collectives, ping_watchdog: PingWatchdog) -> Judgement | None:
        """Return how good the model is, the same on every rank; None without held-out data."""


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[None]:
    """Return the context in which a network computes with a job's `training.precision`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
