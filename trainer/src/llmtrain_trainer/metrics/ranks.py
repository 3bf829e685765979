"""Scores that depend on the order of numbers alone: the area under the ROC curve, and Spearman's correlation.

Ranks of equal numbers are their mean. They are kept doubled, as integers, so every sum over samples is exact below about
300,000 samples.
"""

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.metrics.metric import Floats, ratios, weighted_counts


def roc_auc(positive_S: NDArray[np.bool_], values_S: Floats, weights_RS: Floats) -> Floats:
    """Return the area under the ROC curve of each resample: how often a positive sample has the higher value.

    Computed from ranks (Mann & Whitney 1947); a pair of equal values counts half. NaN without samples of both kinds or if
    a value is NaN.
    """
    positive_RS = weights_RS * positive_S
    positives_R, all_R = positive_RS.sum(axis=1), weights_RS.sum(axis=1)
    doubled_sum_R = (positive_RS * _doubled_ranks(values_S, weights_RS)).sum(axis=1)
    return ratios(doubled_sum_R - positives_R * (positives_R + 1), 2 * positives_R * (all_R - positives_R))


def spearman(values_S: Floats, others_S: Floats, weights_RS: Floats) -> Floats:
    """Return Spearman's rank correlation of each resample (Spearman 1904): Pearson's correlation of the ranks.

    NaN if one of both is constant or has a NaN.
    """
    # The mean of all doubled ranks is the number of samples plus one.
    means_R1 = weights_RS.sum(axis=1, keepdims=True) + 1
    a_RS = _doubled_ranks(values_S, weights_RS) - means_R1
    b_RS = _doubled_ranks(others_S, weights_RS) - means_R1
    covariances_R, a_variances_R, b_variances_R = (
        (weights_RS * products_RS).sum(axis=1) for products_RS in (a_RS * b_RS, a_RS**2, b_RS**2)
    )
    return ratios(covariances_R, np.sqrt(a_variances_R * b_variances_R))


def _doubled_ranks(values_S: Floats, weights_RS: Floats) -> Floats:
    """Return twice the rank of each sample, counted from 1, in each resample (resamples, samples)."""
    if np.isnan(values_S).any():
        return np.full(weights_RS.shape, np.nan)
    different, group_S = np.unique(values_S, return_inverse=True)
    weights_RG = weighted_counts(group_S, weights_RS, len(different))
    return (2 * np.cumsum(weights_RG, axis=1) - weights_RG + 1)[:, group_S]
