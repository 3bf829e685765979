"""Exact match and F1 of answers are those of SQuAD's evaluation scripts.

The oracle follows the published normalization: lower case, no punctuation, no articles, single spaces. F1 is that of the
tokens; where one side has none it is whether both have none.
"""

import collections
import re
import string

import numpy as np
import pytest

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.squad import Squad
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated
from unit.trainer.metrics.texts import random_texts

METRIC = Squad()


def normalized(text: str) -> str:
    without_punctuation = "".join(character for character in text.lower() if character not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", without_punctuation).split())


def oracle_f1(answer: str, prediction: str) -> float:
    gold, predicted = normalized(answer).split(), normalized(prediction).split()
    same = sum((collections.Counter(gold) & collections.Counter(predicted)).values())
    if not gold or not predicted:
        return float(gold == predicted)
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def test_scores_are_those_of_the_rules() -> None:
    predictions, first = random_texts(0, 200)
    _, second = random_texts(1, 200)
    exact, f1 = [], []
    for prediction, *answers in zip(predictions, first, second, strict=True):
        accepted = [each for each in answers if normalized(each)] or [""]
        exact.append(max(float(normalized(each) == normalized(prediction)) for each in accepted))
        f1.append(max(oracle_f1(each, prediction) for each in accepted))
    found = score(METRIC, METRIC.rows(predictions, list(zip(first, second, strict=True))))
    assert found["exactMatch"] == pytest.approx(np.mean(exact))
    assert found["f1"] == pytest.approx(np.mean(f1))
    assert 0 < found["exactMatch"] < found["f1"] < 1


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        pytest.param("the  Denver Broncos!", ["Denver Broncos"], 1, 1, id="articles, case, spaces and punctuation"),
        pytest.param("an answer", ["the answer"], 1, 1, id="each of the articles"),
        pytest.param("Broncos", ["Denver Broncos"], 0, 2 / 3, id="one of two words"),
        pytest.param("Broncos", ["Denver Broncos", "Broncos"], 1, 1, id="the nearest answer counts"),
        pytest.param("Carolina Panthers", ["Denver Broncos"], 0, 0, id="no word in common"),
        pytest.param("b b c", ["b c c"], 0, 2 / 3, id="a word counts as often as both have it"),
        pytest.param("", ["Denver Broncos"], 0, 0, id="no answer to a question that has one"),
        pytest.param("", [], 1, 1, id="no answer to a question that has none"),
        pytest.param("The", [""], 1, 1, id="an article is no answer"),
        pytest.param("Denver", [], 0, 0, id="an answer to a question that has none"),
    ],
)
def test_an_answer(prediction: str, answers: list[str], exact: float, f1: float) -> None:
    assert METRIC.rows([prediction], [answers])[0, 1:].tolist() == pytest.approx([exact, f1])


def test_questions_with_and_without_an_answer_are_also_judged_apart() -> None:
    table = METRIC.rows(["x y", "x", "", "x"], [["x"], ["x"], [], []])
    assert score(METRIC, table) == pytest.approx(
        {
            "exactMatch": 0.5,
            "f1": (2 / 3 + 1 + 1 + 0) / 4,
            "exactMatch/answer": 0.5,
            "f1/answer": (2 / 3 + 1) / 2,
            "exactMatch/noAnswer": 0.5,
        }
    )


def test_where_each_question_has_an_answer_there_is_no_score_of_the_others() -> None:
    assert "exactMatch/noAnswer" not in score(METRIC, METRIC.rows(["x"], [["x"]]))


def test_a_sample_counts_as_often_as_its_weight() -> None:
    predictions, answers = random_texts(1, 30)
    table = METRIC.rows(predictions, [[answer] for answer in answers])
    weighted, repeated = weighted_and_repeated(METRIC, table)
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    predictions, answers = random_texts(2, 60)

    def rows_of(batch: list[int]) -> np.ndarray:
        return METRIC.rows([predictions[number] for number in batch], [[answers[number]] for number in batch])

    assert len(scores_by_partition(METRIC, 60, rows_of)) == 1
