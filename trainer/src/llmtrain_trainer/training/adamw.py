"""AdamW (Loshchilov & Hutter 2019) on one flat buffer, with torch's fused kernel: one pass over the memory.

The kernel is called directly instead of through torch.optim, which imports torch._dynamo at its first step and so adds
seconds to every start.
"""

import torch
from torch import Tensor

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.flat_parameters import FlatParameters

EPSILON = 1e-8


class AdamW:
    """Exponential moving averages of the gradients and of their squares: buffers (elements,)."""

    def __init__(self, settings: Optimizer, parameters: FlatParameters, device: torch.device) -> None:
        self.exp_avg, self.exp_avg_sq = parameters.zeros(device), parameters.zeros(device)
        self._decayed, self._decay = parameters.decayed, float(settings.weight_decay)
        self._beta1, self._beta2 = float(settings.beta1), float(settings.beta2)

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The two averages."""
        return {"mean": self.exp_avg, "square": self.exp_avg_sq}

    def update(self, weights: Tensor, gradients: Tensor, *, step: int, learning_rate: float) -> None:
        """Update `weights` (elements,) in place for `step`, counted from 0. Weight decay applies to matrices."""
        for span, decay in ((slice(self._decayed), self._decay), (slice(self._decayed, None), 0.0)):
            self.update_span(span, weights, gradients, step=step, learning_rate=learning_rate, decay=decay)

    @torch.no_grad()
    def update_span(
        self, span: slice, weights: Tensor, gradients: Tensor, *, step: int, learning_rate: float, decay: float
    ) -> None:
        """Update a part of the weights with one weight decay."""
        if weights[span].numel():
            torch._fused_adamw_(
                [weights[span]],
                [gradients[span]],
                [self.exp_avg[span]],
                [self.exp_avg_sq[span]],
                [],
                [torch.tensor(step + 1.0, device=weights.device)],
                lr=learning_rate,
                beta1=self._beta1,
                beta2=self._beta2,
                weight_decay=decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )
