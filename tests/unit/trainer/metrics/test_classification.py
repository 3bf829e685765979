"""Scores of classes are scikit-learn's, and the same bits however the samples are distributed."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support, roc_auc_score

from llmtrain_trainer.metrics.classification import Classification
from llmtrain_trainer.metrics.metric import score
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated

CASES = [
    # labels, predicted classes
    pytest.param([0, 1, 1, 0, 1], [0, 1, 0, 0, 1], 2, id="two classes"),
    pytest.param([0, 1, 2, 2, 1, 0, 2], [0, 2, 2, 1, 1, 0, 2], 3, id="three classes"),
    pytest.param([0, 0, 1, 1], [0, 2, 2, 1], 3, id="a class that is predicted, but is no label"),
    pytest.param([0, 0, 1, 1], [0, 0, 0, 0], 3, id="a class that is never predicted, and one that does not occur"),
    pytest.param([2, 2], [2, 2], 3, id="one class alone"),
    pytest.param([1, 0], [0, 1], 2, id="everything wrong"),
]


def classes(number: int) -> Classification:
    return Classification(class_names=tuple("abcdefgh"[:number]))


def one_hot(predicted: list[int], number: int) -> np.ndarray:
    return np.eye(number, dtype=np.float32)[predicted]


@pytest.mark.parametrize(("labels", "predicted", "number"), CASES)
def test_scores_are_those_of_scikit_learn(labels: list[int], predicted: list[int], number: int) -> None:
    metric = classes(number)
    scores = score(metric, metric.rows(np.array(labels), one_hot(predicted, number)))
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    *_, micro, _ = precision_recall_fscore_support(labels, predicted, average="micro", zero_division=0)
    present = sorted({*labels, *predicted})
    by_class = precision_recall_fscore_support(labels, predicted, labels=present, zero_division=0)
    expected = {
        "accuracy": accuracy_score(labels, predicted),
        "f1Micro": micro,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }
    for name, values in zip(("precision", "recall", "f1"), by_class, strict=False):
        expected |= {f"{name}/{'abcdefgh'[each]}": value for each, value in zip(present, values, strict=True)}
    scores.pop("auc", None)
    assert scores == pytest.approx(expected)


def test_the_area_under_the_roc_curve_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 100)
    logits = rng.normal(size=(100, 2)).astype(np.float32) + 0.5 * np.eye(2, dtype=np.float32)[labels]
    scores = score(classes(2), classes(2).rows(labels, logits))
    difference = logits[:, 1].astype(float) - logits[:, 0]
    assert scores["auc"] == pytest.approx(roc_auc_score(labels, difference), rel=1e-14)


def test_the_confusion_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 5, (2, 200))
    metric = classes(6)
    confusion = metric.confusion(metric.rows(labels, one_hot(predicted, 6)))
    assert confusion.tolist() == confusion_matrix(labels, predicted, labels=range(6)).tolist()


def test_a_sample_counts_as_often_as_its_weight() -> None:
    metric = classes(3)
    weighted, repeated = weighted_and_repeated(metric, metric.rows(np.array([0, 1, 2, 2]), one_hot([0, 2, 2, 1], 3)))
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 3, 50), rng.normal(size=(50, 3)).astype(np.float32)
    metric = classes(3)
    assert len(scores_by_partition(metric, 50, lambda batch: metric.rows(labels[batch], scores[batch]))) == 1


def test_the_first_of_equal_scores_is_predicted() -> None:
    metric = classes(3)
    assert metric.rows(np.array([0]), np.array([[0.5, 1.0, 1.0]])).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        pytest.param([0, 3], np.zeros((2, 3)), "a label is outside of the 3 classes: 0 to 3", id="a label too high"),
        pytest.param([-1, 0], np.zeros((2, 3)), "a label is outside of the 3 classes: -1 to 0", id="a negative label"),
        pytest.param([0, 1], np.zeros((2, 2)), "scores for 2 samples of 3 classes", id="a class without score"),
        pytest.param([0], np.zeros((2, 3)), "scores for 1 samples of 3 classes", id="a sample without label"),
    ],
)
def test_labels_and_scores_must_fit_the_classes(labels: list[int], scores: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classes(3).rows(np.array(labels), scores)


def test_no_samples_have_no_scores() -> None:
    metric = classes(2)
    assert score(metric, metric.rows(np.zeros(0, dtype=np.int64), np.zeros((0, 2)))) == {}
