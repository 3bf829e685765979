"""The sampler: which samples a microbatch holds is a function of seed, step and microbatch number alone."""

from dataclasses import dataclass

from llmtrain_api.job import Training
from llmtrain_trainer.data.permutation import Permutation


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Yields `size` samples in shuffled order, epoch after epoch, each epoch in another order.

    The sampler has no state, so any rank can compute any microbatch, and resuming needs no replay.
    """

    training: Training
    size: int
    """Samples in an epoch."""

    def microbatch(self, step: int, number: int) -> list[int]:
        """Return the sample numbers, in [0, size), of microbatch `number` of `step` (both from 0)."""
        count = self.training.microbatch_size
        first = (step * self.training.microbatches + number) * count
        return [self._sample(position) for position in range(first, first + count)]

    def _sample(self, position: int) -> int:
        """Return the sample at `position`, counted from the start of training."""
        epoch, index = divmod(position, self.size)
        return Permutation(seed=self.training.seed, epoch=epoch, size=self.size)(index)
