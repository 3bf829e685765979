"""The data loader: reads the windows of text that a microbatch or an evaluation needs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.job import Training
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset, window_count
from llmtrain_trainer.data.mixture import Mixture
from llmtrain_trainer.data.sampler import Sampler
from llmtrain_trainer.data.text_windows import TextWindows


@dataclass(frozen=True, kw_only=True)
class MicrobatchLoader:
    """Reads the microbatches of the training text in the order of the sampler."""

    windows: TextWindows
    """The training text."""
    training: Training
    mixture: Mixture | None = None
    """How its sources are mixed; None if there is one."""

    @classmethod
    def of(cls, run: RunConfig, dataset: Dataset, length: int) -> "MicrobatchLoader":
        """Return the loader of a job that trains on windows of `length` tokens of a dataset."""
        windows = TextWindows.of(dataset, length)
        return cls(windows=windows, training=run.training, mixture=Mixture.of(run.data, windows.sizes))

    @property
    def sampler(self) -> Sampler:
        """The order of the windows."""
        return Sampler(training=self.training, size=len(self.windows), mixture=self.mixture)

    def microbatch(self, step: int, number: int) -> NDArray[np.int64]:
        """Return microbatch `number` of `step` (both from 0): tokens (microbatch_size, window + 1)."""
        return self.windows.read(self.sampler.microbatch(step, number))


def held_out_windows(dataset: Dataset, context_length: int, max_tokens: int) -> list[int]:
    """Return the numbers of windows spread evenly over the held-out text, with at most about `max_tokens` tokens."""
    available = window_count(len(dataset.held_out), context_length)
    count = min(available, max(1, max_tokens // context_length))
    return [number * available // count for number in range(count)]
