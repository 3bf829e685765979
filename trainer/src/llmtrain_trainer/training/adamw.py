"""AdamW (Loshchilov & Hutter 2019) on one flat buffer, by torch's fused kernel: one pass over the memory.

The kernel is called here and not by torch.optim, which imports torch._dynamo at its first step: that costs seconds of
every start.
"""

import torch
from torch import Tensor

from llmtrain_api.job import Optimizer

EPSILON = 1e-8


class AdamW:
    """Means of the gradients and of their squares: buffers (elements,)."""

    def __init__(self, settings: Optimizer, exp_avg: Tensor, exp_avg_sq: Tensor) -> None:
        self.exp_avg, self.exp_avg_sq = exp_avg, exp_avg_sq
        self._decay = float(settings.weight_decay)
        self._beta1, self._beta2 = float(settings.beta1), float(settings.beta2)

    @torch.no_grad()
    def update(self, weights: Tensor, gradients: Tensor, *, decayed: int, step: int, learning_rate: float) -> None:
        """Change `weights` by step number `step`, counted from 0; only the first `decayed` of them decay."""
        count = torch.tensor(step + 1.0, device=weights.device)
        for part, decay in ((slice(decayed), self._decay), (slice(decayed, None), 0.0)):
            if weights[part].numel():
                torch._fused_adamw_(
                    [weights[part]],
                    [gradients[part]],
                    [self.exp_avg[part]],
                    [self.exp_avg_sq[part]],
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
