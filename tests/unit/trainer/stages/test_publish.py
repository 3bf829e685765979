"""The published model's figures."""

import math

import pytest

from llmtrain_trainer.stages.publish import _perplexity


@pytest.mark.parametrize(("loss", "expected"), [(0.0, 1.0), (1e30, math.inf), (math.inf, math.inf), (710.0, math.inf)])
def test_a_loss_of_any_size_has_a_perplexity(loss: float, expected: float) -> None:
    assert _perplexity(loss) == expected


def test_a_loss_that_is_no_number_has_none() -> None:
    assert math.isnan(_perplexity(math.nan))
