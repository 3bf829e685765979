"""The mixture of sources: which source gives the sample at a position of the training, and which of its samples that is.

Both are computed from the position, so the state of the data is one integer, and other weights are another order of the same
samples. The weights, without a common divisor, sum up to a round. Within a round each source is due when it is most behind its
share, as in smooth weighted round-robin, so any run of positions is close to the weights, and a round has them exactly. A source
counts its own samples: it begins another epoch, with another permutation, when it has given all.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from llmtrain_api.data import Data
from llmtrain_trainer.data.permutation import Permutation


class Draw(NamedTuple):
    """A sample that is drawn."""

    sample: int
    """Its number in the dataset."""
    epoch: int
    """How often all samples of its source were drawn before."""


class Slot(NamedTuple):
    """A position in a round."""

    source: int
    before: int
    """Positions of the source before it in the round."""


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Sources, one after another in a dataset, with their weights."""

    weights: tuple[int, ...]
    """At least 1 each, without a common divisor."""
    sizes: tuple[int, ...]
    """Samples of each source, at least one."""

    @classmethod
    def of(cls, data: Data, sizes: Sequence[int]) -> "Mixture | None":
        """Return the mixture of sources with these sizes, in the order of their names; None if the job has none."""
        return cls(weights=tuple(data.weights.values()), sizes=tuple(sizes)) if data.weights else None

    def draw(self, seed: int, position: int) -> Draw:
        """Return the sample at `position`, counted from the start of training."""
        rounds, place = divmod(position, len(self._round))
        source, before = self._round[place]
        epoch, index = divmod(rounds * self.weights[source] + before, self.sizes[source])
        shuffled = Permutation(seed=seed, epoch=epoch, size=self.sizes[source], source=source)
        return Draw(self._first[source] + shuffled(index), epoch)

    @functools.cached_property
    def _round(self) -> tuple[Slot, ...]:
        return round_of(self.weights)

    @functools.cached_property
    def _first(self) -> tuple[int, ...]:
        """The number of the first sample of each source."""
        return tuple(accumulate(self.sizes, initial=0))


def round_of(weights: Sequence[int]) -> tuple[Slot, ...]:
    """Return the positions of a round: at each the source that is most behind its share, of equal ones the first."""
    counts, length = [0] * len(weights), sum(weights)
    slots = []
    for place in range(1, length + 1):
        behind = [weight * place - count * length for weight, count in zip(weights, counts, strict=True)]
        source = behind.index(max(behind))
        slots.append(Slot(source, counts[source]))
        counts[source] += 1
    return tuple(slots)
