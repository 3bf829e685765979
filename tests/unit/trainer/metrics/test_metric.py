"""Sums over samples are exact for integers, in a fixed order for other numbers, and undefined without samples."""

import math

import numpy as np
import pytest

from llmtrain_trainer.metrics.metric import (
    Floats,
    Scores,
    ratios,
    score,
    weighted_counts,
    weighted_means,
    weighted_sums,
)


class Halves:
    """A metric of which one score is undefined, and one is not finite."""

    columns = 1

    def scores(self, table: Floats, weights: Floats) -> Scores:
        half = weighted_sums(table, weights)[:, 0] / 2
        return {"half": half, "undefined": np.array([np.nan]), "infinite": np.array([np.inf])}


def test_a_score_that_the_samples_do_not_determine_is_left_out() -> None:
    assert score(Halves(), np.array([[1.0], [2.0]])) == {"half": 1.5}


def test_sums_of_integers_are_exact() -> None:
    values = np.array([[2.0**52, 1.0], [1.0, 2.0], [1.0, 3.0]])
    weights = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 3.0]])
    assert weighted_sums(values, weights).tolist() == [[2**52 + 2, 6], [2**52 + 3, 10]]


def test_sums_do_not_depend_on_the_other_columns_and_resamples() -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(1000, 5)), rng.integers(0, 4, (6, 1000)).astype(np.float64)
    together = weighted_sums(values, weights)
    separate = [[weighted_sums(values[:, [c]], weights[[r]])[0, 0] for c in range(5)] for r in range(6)]
    assert together.tolist() == separate
    assert together[0, 0] == pytest.approx(math.fsum(values[:, 0] * weights[0]))


def test_means() -> None:
    weights = np.array([[1.0, 1.0], [3.0, 0.0], [0.0, 0.0]])
    assert weighted_means(np.array([[1.0], [2.0]]), weights).ravel().tolist() == pytest.approx(
        [1.5, 1.0, math.nan], nan_ok=True
    )


def test_counts() -> None:
    counts = weighted_counts(np.array([0, 2, 2]), np.array([[1.0, 1.0, 1.0], [4.0, 0.0, 2.0]]), 4)
    assert counts.tolist() == [[1, 0, 2, 0], [4, 0, 2, 0]]


def test_a_ratio_without_denominator_has_the_value_of_nothing() -> None:
    assert ratios(np.array([1.0, 1.0]), np.array([2.0, 0.0]), of_nothing=7.0).tolist() == [0.5, 7.0]
