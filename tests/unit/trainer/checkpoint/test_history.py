"""The history of a training has losses and scores by step, in curves of bounded size."""

import math

import pytest

from llmtrain_trainer.checkpoint.history import (
    MAX_CURVES,
    MAX_POINTS,
    NO_HISTORY,
    TRAINING_LOSS,
    Curve,
    History,
    history_bytes,
    history_of,
    with_evaluation,
    with_number,
)


def after(steps: range, curve: Curve | None = None) -> Curve:
    """Return a curve after these steps, whose number is half the step."""
    curve = curve or Curve()
    for step in steps:
        curve = curve.after(step, step / 2)
    return curve


def test_a_short_curve_has_each_step() -> None:
    curve = after(range(1, MAX_POINTS + 1))
    assert (curve.interval, curve.points) == (1, tuple((step, step / 2) for step in range(1, MAX_POINTS + 1)))


@pytest.mark.parametrize(("last", "every"), [(1_000, 1), (5_001, 1), (100_000, 100), (77_777, 7)])
def test_a_long_curve_keeps_multiples_of_an_interval_and_the_newest_step(last: int, every: int) -> None:
    steps = [*range(every, last, every), last]
    curve = Curve()
    for step in steps:
        curve = curve.after(step, 1.0)
        assert len(curve.points) <= MAX_POINTS
    found = [step for step, _ in curve.points]
    assert found[:-1] == [step for step in steps[:-1] if step % curve.interval == 0]
    assert found[-1] == last
    assert len(found) > MAX_POINTS // 2


def test_a_training_that_continues_from_a_checkpoint_has_the_same_curve() -> None:
    undisturbed = after(range(1, 2_000))
    checkpoint = after(range(1, 901))
    assert after(range(901, 2_000), checkpoint) == undisturbed
    assert after(range(901, 2_000), after(range(901, 950), checkpoint)) == undisturbed, "steps are replayed"


def test_numbers_that_are_not_finite_and_too_many_curves_are_left_out() -> None:
    assert with_number(NO_HISTORY, TRAINING_LOSS, 1, math.nan) == {}
    history: History = NO_HISTORY
    for number in range(MAX_CURVES + 3):
        history = with_number(history, f"score{number}", 1, 0.5)
    assert len(history) == MAX_CURVES


def test_an_evaluation_is_its_loss_and_its_scores_but_for_single_classes() -> None:
    history = with_evaluation(NO_HISTORY, 10, 1.5, {"accuracy": 0.25, "f1/cats": 0.125, "auc": math.nan})
    assert history == {"heldOutLoss": Curve(points=((10, 1.5),)), "accuracy": Curve(points=((10, 0.25),))}


def test_another_rank_receives_the_same_history() -> None:
    history = with_number(with_number(NO_HISTORY, TRAINING_LOSS, 1, 1 / 3), "f1", 2, 5e-324)
    assert history_of(history_bytes(history)) == history
    assert history_of(history_bytes(NO_HISTORY)) == {}
    assert history_of(b"\x01") == {}
    assert history_of(b'{"f1": {"interval": 0, "points": [[1, 0.5]]}}') == {}, "no step is a multiple of it"
