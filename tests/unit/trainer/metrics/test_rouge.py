"""ROUGE is that of the package rouge-score, and the same bits however the samples are distributed."""

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.rouge import Rouge, longest_common_subsequence
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated
from unit.trainer.metrics.texts import random_texts

METRIC = Rouge()
NAMES = ("rouge1", "rouge2", "rougeL")
ORACLE = RougeScorer(NAMES)


def test_the_scores_of_each_sample_are_those_of_rouge_score() -> None:
    for prediction, reference in zip(*random_texts(0, 300), strict=True):
        expected = {name: found.fmeasure for name, found in ORACLE.score(reference, prediction).items()}
        assert score(METRIC, METRIC.rows([prediction], [reference])) == pytest.approx(expected), (prediction, reference)


def test_the_scores_of_all_samples_are_the_means() -> None:
    predictions, references = random_texts(1, 100)
    found = [ORACLE.score(b, a) for a, b in zip(predictions, references, strict=True)]
    expected = {name: np.mean([each[name].fmeasure for each in found]) for name in NAMES}
    assert score(METRIC, METRIC.rows(predictions, references)) == pytest.approx(expected)


def test_the_example_of_the_paper() -> None:
    # Lin 2004, section 3.1: ROUGE-L of S2 is 3/4 and that of S3 is 2/4, while both have one pair in common with S1.
    s1, s2, s3 = "police killed the gunman", "police kill the gunman", "the gunman kill police"
    found = [score(METRIC, METRIC.rows([each], [s1])) for each in (s2, s3)]
    assert [each["rougeL"] for each in found] == [0.75, 0.5]
    assert found[0]["rouge2"] == found[1]["rouge2"]


def test_a_subsequence_of_more_words_than_a_machine_word_has_bits() -> None:
    words = [str(number) for number in range(500)]
    assert longest_common_subsequence(words, words[::-1]) == 1
    assert longest_common_subsequence(words, ["x", *words[::3], "y"]) == len(words[::3])


def test_a_sample_counts_as_often_as_its_weight() -> None:
    weighted, repeated = weighted_and_repeated(METRIC, METRIC.rows(*random_texts(1, 30)))
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    predictions, references = random_texts(2, 60)

    def rows_of(batch: list[int]) -> np.ndarray:
        return METRIC.rows([predictions[number] for number in batch], [references[number] for number in batch])

    assert len(scores_by_partition(METRIC, 60, rows_of)) == 1
