"""The best evaluation so far: which one it is, when the training ends, and how the numbers travel."""

import math
import struct

import pytest

from llmtrain_api.job import Evaluation
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.training.best_so_far import BestSoFar, ending, ranking_value, require_score
from llmtrain_trainer.training.task import Judgement

STOPS = Evaluation(stop_after=2)


def after(*values: float | None) -> BestSoFar:
    """Return the evaluations after 10, 20, … steps."""
    best = BestSoFar()
    for number, value in enumerate(values, 1):
        best = best.after(10 * number, value)
    return best


@pytest.mark.parametrize(
    ("values", "step", "value", "without_better"),
    [
        pytest.param((), 0, math.inf, 0, id="no evaluation"),
        pytest.param((3.0, 2.0, 1.0), 30, 1.0, 0, id="each is better"),
        pytest.param((1.0, 2.0, 1.5), 10, 1.0, 2, id="the first is the best"),
        pytest.param((2.0, 2.0), 10, 2.0, 1, id="an equal one is not better"),
        pytest.param((None, 2.0, None), 20, 2.0, 1, id="one without a finite value is not better"),
        pytest.param((None, None), 0, math.inf, 0, id="none has a finite value, so none is worse"),
        pytest.param((-0.5, -0.9, -0.8), 20, -0.9, 1, id="negated scores"),
    ],
)
def test_the_best_evaluation(values: tuple[float | None, ...], step: int, value: float, without_better: int) -> None:
    best = after(*values)
    assert (best.step, best.value, best.without_better) == (step, value, without_better)
    assert BestSoFar.of(best.counters()) == best


def test_a_repeated_evaluation_counts_once() -> None:
    best = after(1.0, 2.0)
    assert best.after(20, 2.0) == best
    assert best.after(10, 0.1) == best


@pytest.mark.parametrize("value", [0.1, -1 / 3, 5e-324, 1.7e308, -0.0])
def test_a_value_travels_as_a_signed_integer_to_the_last_bit(value: float) -> None:
    best = after(value)
    assert -(2**63) <= best.value_bits < 2**63
    assert struct.pack("<d", BestSoFar.of(best.counters()).value) == struct.pack("<d", value)


def test_a_checkpoint_of_an_earlier_version_has_no_evaluations() -> None:
    assert BestSoFar.of({"count": 3, "consecutive": 1}) == BestSoFar()


@pytest.mark.parametrize(
    ("evaluation", "expected"),
    [
        pytest.param(Evaluation(), 0.5, id="a loss as it is"),
        pytest.param(Evaluation(best="accuracy"), -0.75, id="a score negated"),
        pytest.param(Evaluation(best="mse"), 2.5, id="an error as it is"),
        pytest.param(Evaluation(best="f1"), None, id="a score that is not determined"),
    ],
)
def test_the_lowest_ranking_value_is_the_best(evaluation: Evaluation, expected: float | None) -> None:
    assert ranking_value(Judgement(loss=0.5, scores={"accuracy": 0.75, "mse": 2.5}), evaluation) == expected


def test_a_loss_that_is_not_finite_has_no_ranking_value() -> None:
    assert ranking_value(Judgement(loss=math.nan), Evaluation()) is None


@pytest.mark.parametrize(
    ("step", "values", "evaluation", "expected"),
    [
        (30, (1.0, 2.0, 3.0), STOPS, "stopped early at step 30 of 100, best at step 10"),
        (30, (1.0, 2.0, 3.0), Evaluation(), None),
        (20, (1.0, 2.0), STOPS, None),
        (100, (1.0, 2.0), STOPS, "trained for 100 steps, best at step 10"),
        (100, (1.0, 2.0, 3.0), STOPS, "trained for 100 steps, best at step 10"),
        (100, (1.0, 2.0), Evaluation(), "trained for 100 steps"),
    ],
)
def test_how_a_training_ends(
    step: int, values: tuple[float, ...], evaluation: Evaluation, expected: str | None
) -> None:
    assert ending(step, 100, after(*values).counters(), evaluation) == expected


def test_a_score_that_the_data_do_not_have_is_refused_with_those_that_they_have() -> None:
    judgement = Judgement(loss=1.0, scores={"accuracy": 0.5, "f1/NOUN": 0.1})
    require_score(judgement, Evaluation(best="accuracy"))
    require_score(judgement, Evaluation(best="loss"))
    with pytest.raises(
        BadInput, match=r"^spec\.evaluation\.best: the held-out samples have no entityF1, but accuracy; name"
    ):
        require_score(judgement, Evaluation(best="entityF1"))
