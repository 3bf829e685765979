"""AdamW (Loshchilov & Hutter 2019) on one flat buffer.

By hand: torch.optim imports torch._dynamo at its first step, which costs seconds of every start.
"""

import torch
from torch import Tensor

from llmtrain_api.job import Optimizer

EPSILON = 1e-8


class AdamW:
    """Means of the gradients and of their squares: buffers (elements,)."""

    def __init__(self, settings: Optimizer, mean: Tensor, square: Tensor) -> None:
        self.mean, self.square = mean, square
        self._decay = float(settings.weight_decay)
        self._beta1, self._beta2 = float(settings.beta1), float(settings.beta2)

    @torch.no_grad()
    def update(self, weights: Tensor, gradients: Tensor, *, decayed: int, step: int, learning_rate: float) -> None:
        """Change `weights` by step number `step`, counted from 0; only the first `decayed` of them decay."""
        self.mean.lerp_(gradients, 1 - self._beta1)
        self.square.mul_(self._beta2).addcmul_(gradients, gradients, value=1 - self._beta2)
        root = (self.square / (1 - self._beta2 ** (step + 1))).sqrt_().add_(EPSILON)
        weights[:decayed].mul_(1 - learning_rate * self._decay)
        weights.addcdiv_(self.mean, root, value=-learning_rate / (1 - self._beta1 ** (step + 1)))
