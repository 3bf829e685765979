"""The microbatches of a step: which windows of text they hold is a function of seed, step and number alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.job import Training
from llmtrain_trainer.data.dataset import Dataset, Tokens, read_windows, window_count
from llmtrain_trainer.data.permutation import Permutation


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Gives the training text in a fixed shuffled order, epoch after epoch."""

    tokens: Tokens
    training: Training
    context_length: int

    def microbatch(self, step: int, number: int) -> NDArray[np.int64]:
        """Return microbatch `number` of `step` (both from 0): (microbatch_size, context_length + 1) tokens."""
        size = self.training.microbatch_size
        first = (step * self.training.microbatches + number) * size
        windows = [self._window(sample) for sample in range(first, first + size)]
        return read_windows(self.tokens, windows, self.context_length)

    def _window(self, sample: int) -> int:
        """Return the window that is sample number `sample` since the beginning of the training."""
        size = window_count(len(self.tokens), self.context_length)
        epoch, index = divmod(sample, size)
        return Permutation(seed=self.training.seed, epoch=epoch, size=size)(index)


def held_out_windows(dataset: Dataset, context_length: int, most_tokens: int) -> list[int]:
    """Return windows spread evenly over the held-out text, of about `most_tokens` tokens in all."""
    there = window_count(len(dataset.held_out), context_length)
    wanted = min(there, max(1, most_tokens // context_length))
    return [number * there // wanted for number in range(wanted)]
