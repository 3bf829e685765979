"""Intervals of scores by the bootstrap (Efron 1979): how much a score depends on which samples were held out.

A resample draws as many samples as there are, with replacement, and is kept as how often each was drawn. The draws depend
on the seed and on the number of samples alone, so the scores of several models or metrics are paired by sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from llmtrain_trainer.metrics.metric import Floats, Metric, Scores

RESAMPLES = 1000
CONFIDENCE = 0.95
NUMBERS_IN_MEMORY = 2**18
"""Weights that are in memory at once, of some resamples; the result does not depend on it."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The range that contains the middle 95 % of the scores of all resamples (percentile interval)."""

    low: float
    high: float


@np.errstate(over="ignore", invalid="ignore")
def intervals(metric: Metric, table_SC: Floats, *, seed: int, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """Return the interval of each score. Resamples in which a score is undefined or not finite do not count."""
    return _intervals(resampled_scores(metric, table_SC, seed=seed, resamples=resamples))


@np.errstate(over="ignore", invalid="ignore")
def difference_intervals(
    metric: Metric, table_SC: Floats, baseline_SC: Floats, *, seed: int, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """Return the intervals of the differences of two models' scores on the same samples: model minus baseline.

    The second table has the rows of another model or a baseline. ValueError if it is not of as many samples.
    """
    if table_SC.shape != baseline_SC.shape:
        raise ValueError(f"tables of {table_SC.shape} and {baseline_SC.shape} numbers cannot be paired by sample")
    model = resampled_scores(metric, table_SC, seed=seed, resamples=resamples)
    baseline = resampled_scores(metric, baseline_SC, seed=seed, resamples=resamples)
    return _intervals({name: model[name] - baseline[name] for name in model})


def resampled_scores(metric: Metric, table_SC: Floats, *, seed: int, resamples: int) -> Scores:
    """Return the scores of each resample (resamples,) by name."""
    parts = [metric.scores(table_SC, weights_RS) for weights_RS in _weights(len(table_SC), seed, resamples)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _weights(samples: int, seed: int, resamples: int) -> Iterator[Floats]:
    """Yield how often each sample is drawn (some resamples, samples), for all resamples in order."""
    # Raw numbers, because NumPy keeps their sequence the same in all versions; that of its distributions may change.
    generator = np.random.PCG64(seed)
    chunk = max(1, NUMBERS_IN_MEMORY // max(1, samples))
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        raw_RS = np.asarray(generator.random_raw(count * samples), dtype=np.uint64).reshape(count, samples)
        drawn_RS = ((raw_RS >> np.uint64(32)) * np.uint64(samples)) >> np.uint64(32)
        yield np.stack([np.bincount(drawn_S.astype(np.int64), minlength=samples) for drawn_S in drawn_RS]).astype(float)


def _intervals(scores: Scores) -> dict[str, Interval]:
    tail = (1 - CONFIDENCE) / 2
    found = {}
    for name, numbers_R in scores.items():
        defined = numbers_R[np.isfinite(numbers_R)]
        if defined.size:
            low, high = np.quantile(defined, [tail, 1 - tail])
            found[name] = Interval(low=float(low), high=float(high))
    return found
