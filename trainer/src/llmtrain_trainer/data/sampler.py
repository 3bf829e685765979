"""The order of samples: which ones a microbatch of a step holds is a function of seed, step and number alone."""

from dataclasses import dataclass

from llmtrain_api.job import Training
from llmtrain_trainer.data.permutation import Permutation


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Goes through `size` samples in a fixed shuffled order, epoch after epoch."""

    training: Training
    size: int

    def microbatch(self, step: int, number: int) -> list[int]:
        """Return the samples of microbatch `number` of `step` (both from 0)."""
        count = self.training.microbatch_size
        first = (step * self.training.microbatches + number) * count
        return [self._sample(position) for position in range(first, first + count)]

    def _sample(self, position: int) -> int:
        """Return the sample that comes at `position` since the beginning of the training."""
        epoch, index = divmod(position, self.size)
        return Permutation(seed=self.training.seed, epoch=epoch, size=self.size)(index)
