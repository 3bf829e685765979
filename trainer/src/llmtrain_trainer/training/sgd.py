"""Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD computes it.

Weight decay is added to the gradient, as an L2 penalty is. It applies to matrices only, as with every optimizer here.
"""

import torch
from torch import Tensor

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.flat_parameters import FlatParameters


class SGD:
    """A decaying sum of the gradients: a buffer (elements,)."""

    def __init__(self, settings: Optimizer, parameters: FlatParameters, device: torch.device) -> None:
        self.momentum = parameters.zeros(device)
        self._decayed, self._decay, self._beta = (
            parameters.decayed,
            float(settings.weight_decay),
            float(settings.beta1),
        )

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The sum."""
        return {"momentum": self.momentum}

    @torch.no_grad()
    def update(self, weights: Tensor, gradients: Tensor, *, step: int, learning_rate: float) -> None:
        """Update `weights` (elements,) in place. The gradients are overwritten."""
        gradients[: self._decayed].add_(weights[: self._decayed], alpha=self._decay)
        self.momentum.mul_(self._beta).add_(gradients)
        weights.add_(self.momentum, alpha=-learning_rate)
