"""The area under the ROC curve is scikit-learn's and Spearman's correlation is SciPy's, also for equal numbers."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from llmtrain_trainer.metrics.ranks import roc_auc, spearman


def once(samples: int) -> np.ndarray:
    return np.ones((1, samples))


def repeat(weights: np.ndarray, *columns: np.ndarray) -> list[np.ndarray]:
    return [np.repeat(column, weights.astype(int)) for column in columns]


@pytest.mark.parametrize("different", [3, 20, 10**6], ids=["most are equal", "some are equal", "none is equal"])
def test_the_area_is_that_of_scikit_learn(different: int) -> None:
    rng = np.random.default_rng(different)
    positive, values = rng.random(300) < 0.3, rng.integers(0, different, 300).astype(float)
    weights = np.stack([np.ones(300), rng.integers(0, 3, 300)])
    expected = [roc_auc_score(*repeat(each, positive, values)) for each in weights]
    assert roc_auc(positive, values, weights).tolist() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("different", [3, 20, 10**6], ids=["most are equal", "some are equal", "none is equal"])
def test_the_correlation_is_that_of_scipy(different: int) -> None:
    rng = np.random.default_rng(different)
    values = rng.integers(0, different, 300).astype(float)
    others = values + rng.integers(0, different, 300)
    weights = np.stack([np.ones(300), rng.integers(0, 3, 300)])
    expected = [spearmanr(*repeat(each, values, others)).statistic for each in weights]
    assert spearman(values, others, weights).tolist() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("positive", "values"),
    [
        pytest.param([True, True], [0.0, 1.0], id="no negative sample"),
        pytest.param([False, False], [0.0, 1.0], id="no positive sample"),
        pytest.param([True, False], [0.0, np.nan], id="a value that is not a number"),
    ],
)
def test_the_area_is_undefined(positive: list[bool], values: list[float]) -> None:
    assert np.isnan(roc_auc(np.array(positive), np.array(values), once(2))).all()


@pytest.mark.parametrize(
    ("values", "others"),
    [
        pytest.param([1.0, 1.0], [0.0, 1.0], id="a constant"),
        pytest.param([0.0, 1.0], [np.nan, 1.0], id="a value that is not a number"),
    ],
)
def test_the_correlation_is_undefined(values: list[float], others: list[float]) -> None:
    assert np.isnan(spearman(np.array(values), np.array(others), once(2))).all()


def test_a_monotonic_relation_is_perfect() -> None:
    values = np.arange(100.0)
    assert spearman(values, values**3, once(100)).tolist() == [1.0]
    assert spearman(values, -np.exp(values), once(100)).tolist() == [-1.0]
