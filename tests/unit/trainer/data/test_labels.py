"""A label is checked as text, and the distribution of numbers does not depend on how they are divided."""

import numpy as np
import pytest

from llmtrain_trainer.data.labels import (
    LabelKind,
    LabelProblem,
    LabelSet,
    classes_in,
    distribution,
    number_in,
    problem_with_label,
)

NOT_A_NUMBER = "no number from -1e+30 to 1e+30, but '{}',"


@pytest.mark.parametrize(
    ("label", "kind", "problem"),
    [
        ("yes", "class", None),
        ("", "class", LabelProblem("no label", "noLabel")),
        ("x" * 257, "class", LabelProblem("no label of at most 256 characters", "noLabel")),
        ("", "number", LabelProblem("no label", "noLabel")),
        ("-3.5e2", "number", None),
        (" 4 ", "number", None),
        *(
            (label, "number", LabelProblem(NOT_A_NUMBER.format(label), "noNumber"))
            for label in ("good", "nan", "inf", "1_0", "1e31", "3,5")
        ),
        ("A B C", "tags", LabelProblem("1 words, but 3 tags", "tagCount")),
    ],
)
def test_a_label_that_can_not_be_used_is_explained(label: str, kind: LabelKind, problem: LabelProblem | None) -> None:
    assert problem_with_label(label, kind) == problem


def test_the_classes_of_a_label_are_itself_or_its_tags() -> None:
    assert (*classes_in("4 5", "class"), *classes_in("4", "number")) == ("4 5",)
    assert list(classes_in("O B-X O", "tags")) == ["O", "B-X", "O"]


def test_the_distribution_is_that_of_all_numbers() -> None:
    numbers = np.random.default_rng(0).normal(3, 2, 1000) * 10.0 ** np.arange(-3, 7).repeat(100)
    whole = distribution([numbers])
    assert distribution([numbers[:1], numbers[1:600], numbers[600:600], numbers[600:]]) == whole
    assert (whole.label_mean, whole.label_deviation) == (pytest.approx(numbers.mean()), pytest.approx(numbers.std()))
    assert distribution([np.full(2, 0.1), np.full(1, 0.1)]) == LabelSet(label_mean=0.1, label_deviation=0.0)
    assert number_in("0.1") == 0.1
