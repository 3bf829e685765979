"""Scores of tags are seqeval's, and the same bits however the samples are distributed."""

import itertools

import numpy as np
import pytest
from seqeval.metrics import accuracy_score, classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.tagging import Tagging, entities
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated

TAGS = ("O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC")
METRIC = Tagging(tag_names=TAGS)


def random_tags(seed: int, sequences: int, right: float) -> tuple[list[list[int]], list[list[int]]]:
    """Return the tags of sequences of 0 to 9 words, and predicted ones of which so many are right."""
    rng = np.random.default_rng(seed)
    labels = [rng.integers(0, len(TAGS), rng.integers(0, 10)) for _ in range(sequences)]
    predicted = [np.where(rng.random(len(a)) < right, a, rng.integers(0, len(TAGS), len(a))) for a in labels]
    return [a.tolist() for a in labels], [b.tolist() for b in predicted]


def names(sequences: list[list[int]]) -> list[list[str]]:
    return [[TAGS[tag] for tag in each] for each in sequences]


def test_entities_are_those_of_seqeval_in_every_sequence_of_up_to_four_words() -> None:
    for length in range(5):
        for tags in itertools.product(TAGS, repeat=length):
            assert entities(tags) == set(get_entities(list(tags))), tags


@pytest.mark.parametrize("right", [0.3, 0.9])
def test_scores_are_those_of_seqeval(right: float) -> None:
    labels, predicted = random_tags(0, 200, right)
    both = names(labels), names(predicted)
    report = classification_report(*both, output_dict=True)
    assert score(METRIC, METRIC.rows(labels, predicted)) == pytest.approx(
        {
            "accuracy": accuracy_score(*both),
            "entityPrecision": precision_score(*both),
            "entityRecall": recall_score(*both),
            "entityF1": f1_score(*both),
            "entityF1/LOC": report["LOC"]["f1-score"],
            "entityF1/PER": report["PER"]["f1-score"],
        }
    )


@pytest.mark.parametrize(
    ("labels", "predicted", "expected"),
    [
        pytest.param([0, 0], [0, 0], {"accuracy": 1.0}, id="no entities are not judged"),
        pytest.param(
            [1, 0],
            [0, 0],
            {"accuracy": 0.5, "entityPrecision": 0.0, "entityRecall": 0.0, "entityF1": 0.0, "entityF1/PER": 0.0},
            id="a tagger that finds none",
        ),
        pytest.param([], [], {}, id="no words"),
    ],
)
def test_scores_without_entities(labels: list[int], predicted: list[int], expected: dict[str, float]) -> None:
    assert score(METRIC, METRIC.rows([labels], [predicted])) == expected


@pytest.mark.parametrize(
    ("tags", "types"),
    [
        pytest.param(("O", "B-PER", "I-LOC"), ("LOC", "PER"), id="entities"),
        pytest.param(("NN", "B-PER"), (), id="a tag that is not of an entity"),
        pytest.param(("NN", "VB"), (), id="parts of speech"),
        pytest.param(("O",), (), id="nothing"),
    ],
)
def test_types_of_entities(tags: tuple[str, ...], types: tuple[str, ...]) -> None:
    assert Tagging(tag_names=tags).entity_types == types


def test_parts_of_speech_have_an_accuracy_alone() -> None:
    metric = Tagging(tag_names=("NN", "VB"))
    assert score(metric, metric.rows([[0, 1, 1], [0]], [[0, 1, 0], [0]])) == {"accuracy": 0.75}


def test_a_sample_counts_as_often_as_its_weight() -> None:
    weighted, repeated = weighted_and_repeated(METRIC, METRIC.rows(*random_tags(1, 30, 0.6)))
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    labels, predicted = random_tags(2, 60, 0.6)

    def rows_of(batch: list[int]) -> np.ndarray:
        return METRIC.rows([labels[number] for number in batch], [predicted[number] for number in batch])

    assert len(scores_by_partition(METRIC, 60, rows_of)) == 1


def test_each_word_has_two_tags() -> None:
    with pytest.raises(ValueError, match="1 predicted tags for 2 words"):
        METRIC.rows([[0, 0]], [[0]])
