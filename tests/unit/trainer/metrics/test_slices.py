"""A slice has the scores of its samples alone."""

import numpy as np
import pytest

from llmtrain_trainer.metrics.bootstrap import intervals
from llmtrain_trainer.metrics.classification import Classification
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.regression import Regression
from llmtrain_trainer.metrics.slices import MAX_SLICES, slices, worst_slice

METRIC = Classification(class_names=("no", "yes"))


def table(samples: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return METRIC.rows(rng.integers(0, 2, samples), rng.normal(size=(samples, 2)))


def test_a_slice_has_the_scores_of_its_samples() -> None:
    values, rows = ["drama", "war", "war", "comedy", "war", "comedy"], table(6)
    drama, comedy, war = rows[[0]], rows[[3, 5]], rows[[1, 2, 4]]
    found = slices(METRIC, rows, values, seed=3)
    assert [(each.value, each.samples) for each in found] == [("war", 3), ("comedy", 2), ("drama", 1)]
    for each, part in zip(found, (war, comedy, drama), strict=True):
        of_all, ranges = score(METRIC, part), intervals(METRIC, part, seed=3)
        assert each.scores == {name: of_all[name] for name in each.scores}
        assert each.intervals == {name: ranges[name] for name in each.intervals}
        assert {"accuracy", "f1"} <= each.scores.keys()
        assert not any("/" in name for name in (*each.scores, *each.intervals))


def test_all_but_the_most_frequent_values_have_one_slice_together() -> None:
    values, rows = [f"{number:03}" for number in reversed(range(100))] + ["099"], table(101)
    *found, others = slices(METRIC, rows, values, seed=0)
    assert [each.value for each in found] == ["099", *(f"{number:03}" for number in range(MAX_SLICES - 1))]
    assert (others.other_values, others.samples, others.name) == (80, 80, "80 other values")
    rare = np.array([MAX_SLICES - 1 <= int(value) < 99 for value in values])
    assert others.scores["accuracy"] == score(METRIC, rows[rare])["accuracy"]
    assert sum(each.samples for each in found) + others.samples == 101


@pytest.mark.parametrize("metric_name", ["mae", "r2"])
def test_the_worst_slice_has_enough_samples_and_the_greatest_error_or_the_lowest_score(metric_name: str) -> None:
    labels = np.arange(33.0)
    values = ["near"] * 20 + ["far"] * 12 + ["one"]
    predictions = labels + np.repeat([0.5, 3.0, 100.0], [20, 12, 1])
    found = slices(Regression(), Regression().rows(labels, predictions), values, seed=0)
    worst = worst_slice(found, metric_name)
    assert worst is not None
    assert (worst.name, worst.samples) == ("'far'", 12)
    assert worst_slice(found, "accuracy") is None


def test_each_sample_has_a_value() -> None:
    with pytest.raises(ValueError, match="1 values of a column for 2 samples"):
        slices(METRIC, table(2), ["a"], seed=0)
