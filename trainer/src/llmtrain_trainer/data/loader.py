"""The data loader: reads the windows of text that a microbatch or an evaluation needs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.job import Training
from llmtrain_trainer.data.dataset import Dataset, Tokens, read_windows, window_count
from llmtrain_trainer.data.sampler import Sampler


@dataclass(frozen=True, kw_only=True)
class MicrobatchLoader:
    """Reads the microbatches of the training text in the order of the sampler."""

    tokens: Tokens
    """The training text, (tokens,)."""
    training: Training
    context_length: int

    def microbatch(self, step: int, number: int) -> NDArray[np.int64]:
        """Return microbatch `number` of `step` (both from 0): tokens (microbatch_size, context_length + 1)."""
        sampler = Sampler(training=self.training, size=window_count(len(self.tokens), self.context_length))
        return read_windows(self.tokens, sampler.microbatch(step, number), self.context_length)


def held_out_windows(dataset: Dataset, context_length: int, max_tokens: int) -> list[int]:
    """Return the numbers of windows spread evenly over the held-out text, with at most about `max_tokens` tokens."""
    available = window_count(len(dataset.held_out), context_length)
    count = min(available, max(1, max_tokens // context_length))
    return [number * available // count for number in range(count)]
