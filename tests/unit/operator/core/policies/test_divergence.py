"""A loss that is not finite is distinguished from any other."""

import pytest

from llmtrain_operator.core.policies.divergence import diverged_because, diverged_conditions, is_finite
from unit.operator.builders import job, started

MODEL = {"volume": "checkpoints", "path": "j/model", "parameters": 1, "perplexity": "2.0", "unigramPerplexity": "2.0"}
PROGRESS = {"step": 7, "steps": 10, "percent": 70}


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("3.2500", True), ("1e+30", True), ("", True), ("nan", False), ("inf", False), ("-inf", False), ("?", True)],
)
def test_a_loss_is_finite(loss: str, expected: bool) -> None:
    assert is_finite(loss) is expected


def test_a_training_that_diverged_is_degraded() -> None:
    (update,) = diverged_conditions(job(started(progress={**PROGRESS, "loss": "nan"})).status)
    assert (update.type, update.status, update.reason) == ("Degraded", True, "Diverged")
    assert update.message.startswith("the training diverged: the loss of step 7 is nan")
    assert diverged_conditions(job(started(progress={**PROGRESS, "loss": "3.2"})).status) == ()
    assert diverged_conditions(job().status) == ()


def test_a_model_that_diverged_is_a_failure() -> None:
    because = diverged_because(job(started(model={**MODEL, "loss": "inf"})).status)
    assert because is not None
    assert because[0] == "Diverged"
    assert "j/model on volume checkpoints" in because[1]
    assert diverged_because(job(started(model={**MODEL, "loss": "3.2"})).status) is None
    assert diverged_because(job().status) is None
