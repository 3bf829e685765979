"""Scores of a part of the samples: those with the same value in a column, such as a genre or a gender."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from llmtrain_trainer.metrics.bootstrap import Interval, intervals
from llmtrain_trainer.metrics.metric import LOWER_IS_BETTER, Floats, Metric, score

MAX_SLICES = 20
"""Values of a column that have a slice of their own; all others are one."""
MIN_COMPARED_SAMPLES = 10
"""Samples of a slice without which its scores say too little to call it the worst."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Samples with one value of a column, their number, scores and intervals. Scores of each class are not among them."""

    value: str
    """Empty if the records do not have one, and in the slice of other values."""
    other_values: int = 0
    """How many values are in the slice of all less frequent ones; 0 in a slice of one value."""
    samples: int
    scores: dict[str, float]
    intervals: dict[str, Interval]

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return f"{self.other_values} other values" if self.other_values else f"'{self.value}'"


def slices(metric: Metric, table_SC: Floats, values: Sequence[str], *, seed: int) -> list[Slice]:
    """Return the slices of the most frequent values, at most `MAX_SLICES`, of equally frequent ones in order of the value.

    The last one has the samples with all other values, if there are any. `values` are those of the samples, in the order of
    their numbers. ValueError if there is not one for each sample.
    """
    if len(values) != len(table_SC):
        raise ValueError(f"{len(values)} values of a column for {len(table_SC)} samples")
    by_frequency = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    numbers = {value: number for number, (value, _) in enumerate(by_frequency[:MAX_SLICES])}
    slice_S = np.array([numbers.get(value, MAX_SLICES) for value in values], dtype=np.int64)
    found = [_slice(metric, table_SC[slice_S == number], value, 0, seed) for value, number in numbers.items()]
    others = len(by_frequency) - len(numbers)
    return [*found, _slice(metric, table_SC[slice_S == MAX_SLICES], "", others, seed)] if others else found


def worst_slice(slices: Iterable[Slice], name: str) -> Slice | None:
    """Return the slice with the worst score of a name; None if none has enough samples to be compared."""
    compared = [each for each in slices if each.samples >= MIN_COMPARED_SAMPLES and name in each.scores]
    sign = -1 if name in LOWER_IS_BETTER else 1
    return min(compared, key=lambda each: sign * each.scores[name], default=None)


def _slice(metric: Metric, part_SC: Floats, value: str, other_values: int, seed: int) -> Slice:
    of_all = {name: number for name, number in score(metric, part_SC).items() if "/" not in name}
    found = intervals(metric, part_SC, seed=seed)
    return Slice(
        value=value,
        other_values=other_values,
        samples=len(part_SC),
        scores=of_all,
        intervals={name: found[name] for name in of_all if name in found},
    )
