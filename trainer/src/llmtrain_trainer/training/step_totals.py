"""Loss, tokens and votes of a step, summed over all ranks in one small all-reduce."""

from dataclasses import dataclass

import torch
from torch import Tensor

from llmtrain_trainer.distributed.collectives import Collectives


@dataclass(frozen=True, kw_only=True)
class StopVotes:
    """Whether ranks vote to end the loop after a step: for another generation, or because the job stops."""

    leave: bool = False
    stop: bool = False

    @property
    def any(self) -> bool:
        """Whether the loop ends after this step."""
        return self.leave or self.stop


class StepTotals:
    """Loss and tokens of each microbatch, and votes.

    Summing over the ranks involves no rounding, because each entry is zero on all ranks but one.
    """

    def __init__(self, microbatches: int, votes: StopVotes, device: torch.device) -> None:
        self._count = microbatches
        self._numbers = torch.zeros(2 * microbatches + 2, dtype=torch.float64, device=device)
        self._numbers[-2], self._numbers[-1] = votes.leave, votes.stop

    def add(self, microbatch: int, loss: Tensor, tokens: int) -> None:
        """Set the summed loss of one microbatch and its number of tokens."""
        self._numbers[microbatch] = loss
        self._numbers[self._count + microbatch] = tokens

    def all_reduce(self, ranks: Collectives) -> tuple[float, float, StopVotes]:
        """Return the loss summed over all tokens, the number of tokens, and the votes of any rank."""
        ranks.all_reduce(self._numbers)
        loss, tokens = self._numbers[: 2 * self._count].view(2, self._count).sum(1).tolist()
        leave, stop = self._numbers[-2:].tolist()
        return loss, tokens, StopVotes(leave=leave > 0, stop=stop > 0)

    def first_non_finite_loss(self) -> int | None:
        """Return the first microbatch whose loss is not finite, on any rank; None if there is none."""
        finite = torch.isfinite(self._numbers[: self._count]).tolist()
        return finite.index(False) if False in finite else None
