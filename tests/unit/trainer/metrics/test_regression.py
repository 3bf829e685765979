"""Scores of predicted numbers are scikit-learn's and SciPy's, and the same bits however the samples are distributed."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.regression import Regression
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated

METRIC = Regression()


def test_scores_are_those_of_scikit_learn_and_scipy() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(-4, 5, 200).astype(np.float32)
    predictions = (labels + rng.normal(size=200)).astype(np.float32)
    assert score(METRIC, METRIC.rows(labels, predictions)) == pytest.approx(
        {
            "mse": mean_squared_error(labels.astype(float), predictions.astype(float)),
            "mae": mean_absolute_error(labels.astype(float), predictions.astype(float)),
            "r2": r2_score(labels.astype(float), predictions.astype(float)),
            "spearman": spearmanr(labels, predictions).statistic,
        },
        rel=1e-12,
    )


def test_the_mean_explains_nothing() -> None:
    assert score(METRIC, METRIC.rows(np.array([1.0, 2.0, 6.0]), np.full(3, 3.0)))["r2"] == 0


def test_only_the_error_of_constant_labels_is_defined() -> None:
    assert score(METRIC, METRIC.rows(np.array([2.0, 2.0]), np.array([1.0, 2.0]))) == {"mse": 0.5, "mae": 0.5}


def test_a_sample_counts_as_often_as_its_weight() -> None:
    rng = np.random.default_rng(1)
    weighted, repeated = weighted_and_repeated(METRIC, METRIC.rows(*rng.normal(size=(2, 30))))
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    rng = np.random.default_rng(2)
    labels, predictions = rng.normal(size=(2, 60))
    assert len(scores_by_partition(METRIC, 60, lambda batch: METRIC.rows(labels[batch], predictions[batch]))) == 1


def test_there_is_a_prediction_for_each_label() -> None:
    with pytest.raises(ValueError, match="predictions for"):
        METRIC.rows(np.zeros(2), np.zeros((2, 1)))
