"""What an optimizer is: it keeps averages of the gradients and changes the weights, on flat buffers."""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from llmtrain_api import job
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.muon import Muon
from llmtrain_trainer.training.sgd import SGD


class Optimizer(Protocol):
    """An algorithm and its averages, which begin as zeros."""

    @property
    def buffers(self) -> Mapping[str, Tensor]:
        """The averages, each (elements,), by their names in checkpoints."""

    def update(self, weights: Tensor, gradients: Tensor, *, step: int, learning_rate: float) -> None:
        """Update `weights` (elements,) in place for `step`, counted from 0; `gradients` (elements,) can be overwritten."""


ALGORITHMS: Mapping[str, Callable[[job.Optimizer, FlatParameters, torch.device], Optimizer]] = {
    "adamw": AdamW,
    "sgd": SGD,
    "muon": Muon,
}
"""The algorithms, by `spec.training.optimizer.name`."""


def make_optimizer(settings: job.Optimizer, parameters: FlatParameters, device: torch.device) -> Optimizer:
    """Return the optimizer of a job."""
    return ALGORITHMS[settings.name](settings, parameters, device)
