"""Spans lie within the context, the best one of all windows is the answer, and no answer is one."""

import math

import pytest
import torch

from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.training.question_answering import (
    MAX_ANSWER_TOKENS,
    Candidate,
    QuestionAnsweringObjective,
    Span,
)

OBJECTIVE = QuestionAnsweringObjective(LabelSet(unanswerable=True))
TARGETS = torch.tensor([[3, 4, 2, 6], [0, 0, 2, 4]])
"""Two windows, of 4 and 2 tokens after the question, of which the second has no answer."""


def test_the_loss_is_the_mean_over_first_and_last_token_among_those_of_the_window() -> None:
    losses, terms = OBJECTIVE.losses(torch.zeros(2, 6, 2), TARGETS)
    assert losses.tolist() == pytest.approx([math.log(5), math.log(3)])
    assert terms.tolist() == [1, 1]


def test_question_and_padding_are_never_answers() -> None:
    outputs = torch.zeros(2, 6, 2)
    outputs[:, 1] = 9.0
    outputs[1, 4:] = 9.0
    outputs[:, 3, 0], outputs[:, 3, 1], outputs[:, 2, 1] = 2.0, 1.0, 2.5
    assert OBJECTIVE.rows(outputs, TARGETS).tolist() == [[3, 3, 3, 0], [3, 3, 3, 0]]


def test_an_answer_has_a_greatest_length() -> None:
    length = MAX_ANSWER_TOKENS + 10
    outputs = torch.zeros(1, length, 2)
    outputs[0, 2, 0] = outputs[0, length - 1, 1] = 9.0
    outputs[0, 2 + MAX_ANSWER_TOKENS - 1, 1] = 1.0
    (row,) = OBJECTIVE.rows(outputs, torch.tensor([[0, 0, 2, length]])).tolist()
    assert row == [2, 2 + MAX_ANSWER_TOKENS - 1, 10, 0]


@pytest.mark.parametrize(
    ("scores", "unanswerable", "answer"),
    [
        ([(2.0, 1.0), (5.0, 9.0)], True, "two"),
        ([(2.0, 6.0), (5.0, 9.0)], True, ""),
        ([(2.0, 6.0), (5.0, 9.0)], False, "two"),
    ],
    ids=["the best of all windows", "none, if that is better in all windows", "one, if all questions have one"],
)
def test_the_answer_is_the_best_of_all_windows(
    scores: list[tuple[float, float]], unanswerable: bool, answer: str
) -> None:
    objective = QuestionAnsweringObjective(LabelSet(unanswerable=unanswerable))
    places = [(0, 3), (3, 7)]
    candidates = [
        ("one two", Candidate(Span(1, 1, best, no_answer), place))
        for (best, no_answer), place in zip(scores, places, strict=True)
    ]
    assert objective.merge(candidates) == {"prediction": answer}


def test_the_answer_is_the_best_of_all_spans() -> None:
    outputs = torch.randn(3, 90, 2, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[0, 0, 2, 90], [0, 0, 30, 80], [0, 0, 1, 3]])
    for row, (start, last, score, no_answer) in enumerate(OBJECTIVE.rows(outputs, targets).tolist()):
        first, length = targets[row, 2:].tolist()
        spans = {
            (opening, stop): float(outputs[row, opening, 0] + outputs[row, stop, 1])
            for opening in range(first, length)
            for stop in range(opening, min(length, opening + MAX_ANSWER_TOKENS))
        }
        assert spans[int(start), int(last)] == score == max(spans.values())
        assert no_answer == float(outputs[row, 0].sum())
