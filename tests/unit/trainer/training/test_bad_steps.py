"""Steps that are not finite are counted in a row, and rollbacks pass over their data."""

import math

import pytest

from llmtrain_trainer.training.bad_steps import BadStep, BadStepCounts


@pytest.mark.parametrize(
    ("bad_step", "expected"),
    [
        (
            BadStep(step=7, microbatch=2, loss=math.nan, gradient_norm=math.nan),
            "the loss of step 7 is nan from microbatch 2 on",
        ),
        (
            BadStep(step=7, microbatch=0, loss=1.0, gradient_norm=math.inf),
            "the gradient norm of step 7 is inf from microbatch 0 on",
        ),
        (
            BadStep(step=7, microbatch=None, loss=1.0, gradient_norm=math.inf),
            "the gradient norm of step 7 is inf in the sum over the microbatches",
        ),
    ],
    ids=["loss", "gradients", "sum"],
)
def test_the_message_says_what_is_not_finite(bad_step: BadStep, expected: str) -> None:
    assert bad_step.message == expected


def test_a_good_step_ends_the_row_but_not_the_count() -> None:
    counts = BadStepCounts().after_bad(1).after_bad(2)
    assert (counts.count, counts.consecutive, counts.newest) == (2, 2, 2)
    assert counts.after_good(3) == BadStepCounts(count=2, consecutive=0, newest=2)


def test_after_a_rollback_only_a_good_step_as_far_as_the_bad_one_ends_the_row() -> None:
    counts = BadStepCounts().after_bad(31).after_rollback(31, 20)
    assert (counts.consecutive, counts.data_offset) == (1, 11)
    assert counts.after_good(21).consecutive == 1
    assert counts.after_good(31).consecutive == 0
    assert counts.after_bad(25).after_rollback(25, 20).data_offset == 16


def test_counters_of_an_earlier_or_later_version_are_read() -> None:
    counts = BadStepCounts(count=3, consecutive=1, newest=9, data_offset=4)
    assert BadStepCounts.of(counts.counters()) == counts
    assert BadStepCounts.of({}) == BadStepCounts()
    assert BadStepCounts.of({"count": 2, "unheard": 5}) == BadStepCounts(count=2)


def test_bad_steps_before_the_farthest_one_are_a_row_until_training_gets_past_it() -> None:
    """Otherwise two steps that are bad in turn would be rolled back without end."""
    counts = BadStepCounts()
    for consecutive in range(1, 9, 2):
        counts = counts.after_bad(25).after_rollback(25, 20)
        assert counts.consecutive == consecutive
        counts = counts.after_bad(22).after_rollback(22, 20)
        counts = counts.after_good(21).after_good(22)
        assert counts.consecutive == consecutive + 1
    assert counts.after_good(25).consecutive == 0
