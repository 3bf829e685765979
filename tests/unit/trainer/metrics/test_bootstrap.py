"""Intervals are those of resamples with replacement, paired by sample, and a function of the seed alone."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import bootstrap

from llmtrain_trainer.metrics import bootstrap as module
from llmtrain_trainer.metrics.bootstrap import Interval, difference_intervals, intervals, resampled_scores
from llmtrain_trainer.metrics.classification import Classification
from llmtrain_trainer.metrics.regression import Regression

BINARY = Classification(class_names=("no", "yes"))


def answers(samples: int, right: float, seed: int) -> np.ndarray:
    """Return the rows of a classifier that is right about so many samples."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, samples)
    predicted = np.where(rng.random(samples) < right, labels, 1 - labels)
    return BINARY.rows(labels, np.eye(2)[predicted])


def test_the_interval_is_that_of_scipy() -> None:
    errors = np.random.default_rng(0).exponential(size=400)
    table = Regression().rows(np.zeros(400), np.sqrt(errors))
    found = intervals(Regression(), table, seed=1, resamples=5000)["mse"]
    expected = bootstrap(
        (errors,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], abs=0.01)


def test_the_interval_of_an_accuracy_is_that_of_the_binomial_distribution() -> None:
    found = intervals(BINARY, answers(1000, 0.8, seed=3), seed=0)["accuracy"]
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx((0.8 * 0.2 / 1000) ** 0.5, rel=0.1)


def test_the_draws_stay_the_same_in_all_versions() -> None:
    found = resampled_scores(Regression(), Regression().rows(np.zeros(5), np.arange(5.0)), seed=7, resamples=4)["mse"]
    draws = [[3, 4, 3, 1, 1], [4, 0, 4, 3, 2], [1, 1, 1, 2, 2], [2, 4, 3, 3, 4]]
    assert found.tolist() == [sum(number**2 for number in each) / 5 for each in draws]


def test_the_result_does_not_depend_on_how_many_resamples_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    table = answers(50, 0.7, seed=0)
    expected = intervals(BINARY, table, seed=5, resamples=100)
    monkeypatch.setattr(module, "NUMBERS_IN_MEMORY", 150)
    assert intervals(BINARY, table, seed=5, resamples=100) == expected
    assert intervals(BINARY, table, seed=6, resamples=100) != expected


def test_memory_does_not_grow_with_the_number_of_resamples() -> None:
    table = answers(20_000, 0.7, seed=0)
    tracemalloc.start()
    intervals(BINARY, table, seed=0, resamples=100)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 30e6, "the weights of 100 resamples have 16 MB, and there are several arrays of that shape"


def test_no_samples_have_no_intervals() -> None:
    assert intervals(BINARY, answers(0, 0.7, seed=0), seed=0, resamples=10) == {}


def test_a_model_that_is_better_on_each_sample_is_better_in_each_resample() -> None:
    table = Regression().rows(np.zeros(100), np.random.default_rng(0).normal(scale=5, size=100))
    worse = table * [1, 1.01]
    unpaired = intervals(Regression(), table, seed=0)["mse"]
    paired = difference_intervals(Regression(), table, worse, seed=0)["mse"]
    assert paired.high < 0
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 10


def test_two_models_that_do_not_differ_have_no_difference() -> None:
    table = answers(50, 0.7, seed=0)
    assert set(difference_intervals(BINARY, table, table, seed=0).values()) == {Interval(low=0.0, high=0.0)}


def test_tables_of_different_samples_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="cannot be paired by sample"):
        difference_intervals(BINARY, answers(5, 0.7, seed=0), answers(6, 0.7, seed=0), seed=0)


def test_a_score_that_few_resamples_determine_has_an_interval() -> None:
    table = BINARY.rows(np.array([0, 0, 0, 1]), np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [0.0, 4.0]]))
    assert intervals(BINARY, table, seed=0)["auc"] == Interval(low=1.0, high=1.0)


def test_a_loss_that_is_infinite_has_no_interval() -> None:
    table = Regression().rows(np.zeros(2), np.full(2, np.inf))
    assert "mse" not in intervals(Regression(), table, seed=0)
    assert "mse" not in difference_intervals(Regression(), table, table, seed=0)


def test_a_score_that_no_resample_determines_has_none() -> None:
    assert "auc" not in intervals(BINARY, BINARY.rows(np.array([1, 1]), np.eye(2)), seed=0)
