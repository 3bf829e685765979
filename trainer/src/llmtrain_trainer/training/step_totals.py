"""What ranks tell each other along with a step, in one small sum."""

from dataclasses import dataclass

import torch
from torch import Tensor

from llmtrain_trainer.distributed.collectives import Collectives


@dataclass(frozen=True, kw_only=True)
class StopVotes:
    """What ranks tell each other along with a step: someone wants to leave this generation, or to stop."""

    leave: bool = False
    stop: bool = False


class StepTotals:
    """Loss and tokens of each microbatch, and wishes; summed over ranks without rounding, as all others hold zeros."""

    def __init__(self, microbatches: int, wishes: StopVotes, device: torch.device) -> None:
        self._count = microbatches
        self._numbers = torch.zeros(2 * microbatches + 2, dtype=torch.float64, device=device)
        self._numbers[-2], self._numbers[-1] = wishes.leave, wishes.stop

    def note(self, number: int, loss: Tensor, tokens: int) -> None:
        """Note the summed loss of one microbatch."""
        self._numbers[number] = loss
        self._numbers[self._count + number] = tokens

    def all_reduce(self, ranks: Collectives) -> tuple[float, float, StopVotes]:
        """Return the loss summed over all tokens, the number of tokens, and what any rank wishes."""
        ranks.all_reduce(self._numbers)
        loss, tokens = self._numbers[: 2 * self._count].view(2, self._count).sum(1).tolist()
        leave, stop = self._numbers[-2:].tolist()
        return loss, tokens, StopVotes(leave=leave > 0, stop=stop > 0)
