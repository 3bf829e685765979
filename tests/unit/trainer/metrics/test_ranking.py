"""Hit rate and NDCG are scikit-learn's, among all items that are candidates."""

import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, top_k_accuracy_score

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.ranking import Ranking
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated


def none(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=bool)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_scores_are_those_of_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(k)
    scores, targets = rng.normal(size=(200, 40)).astype(np.float32), rng.integers(0, 40, 200)
    relevant = np.eye(40)[targets]
    metric = Ranking(k=k)
    assert score(metric, metric.rows(targets, scores, none(200, 40))) == pytest.approx(
        {
            "hitRate": top_k_accuracy_score(targets, scores, k=k, labels=range(40)),
            "ndcg": ndcg_score(relevant, scores, k=k),
        }
    )


@pytest.mark.parametrize(
    ("target", "scores", "excluded", "rank"),
    [
        pytest.param(2, [3.0, 1.0, 2.0], [], 2, id="one item is better"),
        pytest.param(2, [3.0, 1.0, 2.0], [0], 1, id="the better item was seen"),
        pytest.param(2, [3.0, 1.0, 2.0], [0, 2], 1, id="the right item was seen before"),
        pytest.param(0, [1.0, 1.0, 1.0], [], 3, id="a model that does not distinguish items"),
        pytest.param(0, [math.nan, 1.0, 2.0], [], 3, id="a score of the right item that is not a number"),
        pytest.param(0, [1.0, math.nan, 0.0], [], 2, id="a score of another item that is not a number"),
    ],
)
def test_rank_of_the_right_item(target: int, scores: list[float], excluded: list[int], rank: int) -> None:
    mask = none(1, 3)
    mask[0, excluded] = True
    assert Ranking().rows(np.array([target]), np.array([scores]), mask).tolist() == [[rank]]


def test_the_gain_falls_with_the_rank() -> None:
    table = np.array([[1.0], [3.0], [10.0], [11.0]])
    assert score(Ranking(), table) == pytest.approx({"hitRate": 0.75, "ndcg": (1 + 1 / 2 + 1 / math.log2(11)) / 4})


def test_a_sample_counts_as_often_as_its_weight() -> None:
    ranks = np.random.default_rng(1).integers(1, 20, (30, 1)).astype(np.float64)
    weighted, repeated = weighted_and_repeated(Ranking(), ranks)
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(size=(60, 30)), rng.integers(0, 30, 60)
    metric = Ranking()

    def rows_of(batch: list[int]) -> np.ndarray:
        return metric.rows(targets[batch], scores[batch], none(len(batch), 30))

    assert len(scores_by_partition(metric, 60, rows_of)) == 1
