"""The microbatches of a step: which windows of text they hold is a function of seed, step and number alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.job import Training
from llmtrain_trainer.data.dataset import Dataset, Tokens, read_windows, window_count
from llmtrain_trainer.data.sampler import Sampler


@dataclass(frozen=True, kw_only=True)
class MicrobatchLoader:
    """Gives the training text in a fixed shuffled order, epoch after epoch."""

    tokens: Tokens
    training: Training
    context_length: int

    def microbatch(self, step: int, number: int) -> NDArray[np.int64]:
        """Return microbatch `number` of `step` (both from 0): (microbatch_size, context_length + 1) tokens."""
        windows = Sampler(training=self.training, size=window_count(len(self.tokens), self.context_length))
        return read_windows(self.tokens, windows.microbatch(step, number), self.context_length)


def held_out_windows(dataset: Dataset, context_length: int, most_tokens: int) -> list[int]:
    """Return windows spread evenly over the held-out text, of about `most_tokens` tokens in all."""
    there = window_count(len(dataset.held_out), context_length)
    wanted = min(there, max(1, most_tokens // context_length))
    return [number * there // wanted for number in range(wanted)]
