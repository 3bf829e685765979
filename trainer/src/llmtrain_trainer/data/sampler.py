"""The sampler: which samples a microbatch holds is a function of seed, step and microbatch number alone."""

from dataclasses import dataclass

from llmtrain_api.job import Training
from llmtrain_trainer.data.mixture import Draw, Mixture
from llmtrain_trainer.data.permutation import Permutation


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Yields `size` samples in shuffled order, epoch after epoch, each epoch in another order; those of a mixture by its weights.

    The sampler has no state, so any rank can compute any microbatch, and resuming needs no replay.
    """

    training: Training
    size: int
    """Samples in an epoch."""
    mixture: Mixture | None = None
    """How sources are mixed; None if there is one."""

    def microbatch(self, step: int, number: int) -> list[int]:
        """Return the sample numbers, in [0, size), of microbatch `number` of `step` (both from 0)."""
        return [draw.sample for draw in self.draws(step, number)]

    def draws(self, step: int, number: int) -> list[Draw]:
        """Return the same with the epoch of each sample, by which what is drawn for it at random is keyed."""
        count = self.training.microbatch_size
        first = (step * self.training.microbatches + number) * count
        return [self._draw(position) for position in range(first, first + count)]

    def _draw(self, position: int) -> Draw:
        """Return the sample at `position`, counted from the start of training."""
        if self.mixture is not None:
            return self.mixture.draw(self.training.seed, position)
        epoch, index = divmod(position, self.size)
        return Draw(Permutation(seed=self.training.seed, epoch=epoch, size=self.size)(index), epoch)
