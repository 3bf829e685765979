"""What all metrics share: the interface, weights of samples, and sums whose order is fixed."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scores = dict[str, Floats]
"""Numbers by name, one for each resample (resamples,); NaN where the samples do not determine the number."""
LOWER_IS_BETTER = frozenset({"bitsPerByte", "loss", "mae", "mse", "perplexity"})
"""Names of the scores of which the lowest is the best; of all others the highest is."""


class Metric(Protocol):
    """Scores of a model that depend on a few numbers of each sample."""

    @property
    def columns(self) -> int:
        """Numbers in the row of a sample."""

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample, in which a sample counts as often as its weight, a whole number, says."""


@np.errstate(over="ignore", invalid="ignore")
def score(metric: Metric, table_SC: Floats) -> dict[str, float]:
    """Return the scores of all samples, each counted once. A score that they do not determine, or that is not finite, is left out."""
    scores = metric.scores(table_SC, np.ones((1, len(table_SC))))
    return {name: float(number) for name, (number,) in scores.items() if np.isfinite(number)}


def weighted_sums(values_SC: Floats, weights_RS: Floats) -> Floats:
    """Return the sums of each column over the samples of each resample (resamples, columns).

    Exact for integers, as long as a sum stays below 2**53. Other numbers are added in pairs, in the order of the samples:
    a product of matrices would leave the order to the BLAS library and its number of threads.
    """
    return np.stack([(weights_RS * np.ascontiguousarray(column)).sum(axis=1) for column in values_SC.T], axis=1)


def weighted_means(values_SC: Floats, weights_RS: Floats) -> Floats:
    """Return the means of each column over the samples of each resample (resamples, columns); NaN without samples."""
    return ratios(weighted_sums(values_SC, weights_RS), weights_RS.sum(axis=1, keepdims=True))


def weighted_counts(values_S: NDArray[np.int64], weights_RS: Floats, size: int) -> Floats:
    """Return how often each of the values 0 to `size` - 1 occurs in each resample (resamples, size)."""
    return np.stack([np.bincount(values_S, weights=weights_S, minlength=size) for weights_S in weights_RS])


def ratios(numerators: Floats, denominators: Floats, *, of_nothing: float = np.nan) -> Floats:
    """Return the quotients, and `of_nothing` where a denominator is zero."""
    numerators, denominators = np.broadcast_arrays(numerators, denominators)
    quotients = np.full(numerators.shape, of_nothing)
    np.divide(numerators, denominators, out=quotients, where=denominators != 0)
    return quotients
