"""The samples of a step, sorted by length before they are cut into microbatches, so that little is padding.

Which samples a step holds, and in which order, is a function of seed and step alone. Microbatches are numbered so that any
run of them has about as many tokens as any other of the same size: a rank computes consecutive ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.job import Training
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import PreparedSource
from llmtrain_trainer.data.mixture import Mixture
from llmtrain_trainer.data.sampler import Sampler


class SamplesWithLengths(Protocol):
    """Samples of different lengths."""

    def __len__(self) -> int:
        """Return how many there are."""

    def lengths(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the lengths of samples (B,) in tokens."""


@dataclass
class StepSamples:
    """The microbatches of samples."""

    training: Training
    samples: SamplesWithLengths
    mixture: Mixture | None = None
    """How their sources are mixed; None if there is one."""
    _step: int = field(default=-1, init=False)
    _sorted: list[tuple[int, int]] = field(default_factory=list, init=False)
    """Number and epoch of each sample."""

    @classmethod
    def of(cls, run: RunConfig, samples: SamplesWithLengths, sources: Sequence[PreparedSource]) -> "StepSamples":
        """Return those of a job on a dataset with these sources."""
        return cls(run.training, samples, Mixture.of(run.data, [source.samples for source in sources]))

    def microbatch(self, step: int, number: int) -> list[int]:
        """Return the sample numbers of microbatch `number` of `step` (both from 0), the shortest sample first."""
        return [sample for sample, _ in self._chunk(step, number)]

    def epochs(self, step: int, number: int) -> list[int]:
        """Return the epochs of these samples, counted from 0: a step may begin in one and end in the next."""
        return [epoch for _, epoch in self._chunk(step, number)]

    def _chunk(self, step: int, number: int) -> list[tuple[int, int]]:
        if step != self._step:
            self._sorted, self._step = self._sort(step), step
        size = self.training.microbatch_size
        first = chunk_of(number, self.training.microbatches) * size
        return self._sorted[first : first + size]

    def _sort(self, step: int) -> list[tuple[int, int]]:
        sampler = Sampler(training=self.training, size=len(self.samples), mixture=self.mixture)
        draws = [draw for number in range(self.training.microbatches) for draw in sampler.draws(step, number)]
        order = np.argsort(self.samples.lengths([draw.sample for draw in draws]), kind="stable")
        return [(draws[place].sample, draws[place].epoch) for place in order.tolist()]


def chunk_of(number: int, count: int) -> int:
    """Return which of `count` chunks of sorted samples is microbatch `number`: short and long ones take turns."""
    return count - 1 - number // 2 if number % 2 else number // 2
