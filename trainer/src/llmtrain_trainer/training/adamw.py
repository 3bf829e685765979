"""AdamW (Loshchilov & Hutter 2019) on one flat buffer, with torch's fused kernel: one pass over the memory.

The kernel is called directly instead of through torch.optim, which imports torch._dynamo at its first step and so adds
seconds to every start.
"""

import torch
from torch import Tensor

from llmtrain_api.job import Optimizer

EPSILON = 1e-8


class AdamW:
    """Exponential moving averages of the gradients and of their squares: buffers (elements,)."""

    def __init__(self, settings: Optimizer, exp_avg: Tensor, exp_avg_sq: Tensor) -> None:
        self.exp_avg, self.exp_avg_sq = exp_avg, exp_avg_sq
        self._decay = float(settings.weight_decay)
        self._beta1, self._beta2 = float(settings.beta1), float(settings.beta2)

    @torch.no_grad()
    def update(self, weights: Tensor, gradients: Tensor, *, decayed: int, step: int, learning_rate: float) -> None:
        """Update `weights` (elements,) in place for `step`, counted from 0. Weight decay applies to the first `decayed`."""
        count = torch.tensor(step + 1.0, device=weights.device)
        for span, decay in ((slice(decayed), self._decay), (slice(decayed, None), 0.0)):
            if weights[span].numel():
                torch._fused_adamw_(
                    [weights[span]],
                    [gradients[span]],
                    [self.exp_avg[span]],
                    [self.exp_avg_sq[span]],
                    [],
                    [count],
                    lr=learning_rate,
                    beta1=self._beta1,
                    beta2=self._beta2,
                    weight_decay=decay,
                    eps=EPSILON,
                    amsgrad=False,
                    maximize=False,
                )
