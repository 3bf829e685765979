"""BLEU and chrF are those of sacrebleu, and the same bits however the samples are distributed."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.translation import Translation
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated
from unit.trainer.metrics.texts import random_texts

METRIC = Translation()


@pytest.mark.parametrize("count", [1, 200])
def test_scores_are_those_of_sacrebleu(count: int) -> None:
    predictions, references = random_texts(4, count)
    expected = {
        "bleu": BLEU().corpus_score(predictions, [references]).score,
        "chrf": CHRF().corpus_score(predictions, [references]).score,
    }
    assert score(METRIC, METRIC.rows(predictions, references)) == expected
    assert all(number > 0 for number in expected.values())


def test_scores_of_texts_that_have_nothing_in_common_are_zero() -> None:
    assert score(METRIC, METRIC.rows(["abc", ""], ["xyz", "x"])) == {"bleu": 0.0, "chrf": 0.0}


def test_no_samples_have_no_scores() -> None:
    assert score(METRIC, METRIC.rows([], [])) == {}


def test_a_sample_counts_as_often_as_its_weight() -> None:
    weighted, repeated = weighted_and_repeated(METRIC, METRIC.rows(*random_texts(1, 30)))
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    predictions, references = random_texts(2, 40)

    def rows_of(batch: list[int]) -> np.ndarray:
        return METRIC.rows([predictions[number] for number in batch], [references[number] for number in batch])

    assert len(scores_by_partition(METRIC, 40, rows_of)) == 1


def test_there_is_a_reference_for_each_translation() -> None:
    with pytest.raises(ValueError, match="2 translations for 1 references"):
        METRIC.rows(["a", "b"], ["a"])
