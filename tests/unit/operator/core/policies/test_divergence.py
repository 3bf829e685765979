"""A loss that is not finite is distinguished from any other."""

from typing import Any

import pytest

from llmtrain_operator.core.policies.divergence import diverged_because, diverged_conditions, is_finite
from llmtrain_operator.core.stage_plan import ConditionUpdate
from unit.operator.builders import job, started

MODEL = {"volume": "checkpoints", "path": "j/model", "parameters": 1, "perplexity": "2.0", "unigramPerplexity": "2.0"}
PROGRESS = {"step": 7, "steps": 10, "percent": 70}


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("3.2500", True), ("1e+30", True), ("", True), ("nan", False), ("inf", False), ("-inf", False), ("?", True)],
)
def test_a_loss_is_finite(loss: str, expected: bool) -> None:
    assert is_finite(loss) is expected


def diverged(**status: Any) -> tuple[ConditionUpdate, ...]:
    found = job(started(**status))
    return diverged_conditions(found.spec.training, found.status)


def test_a_training_that_diverged_is_degraded() -> None:
    (update,) = diverged(progress={**PROGRESS, "loss": "nan"})
    assert (update.type, update.status, update.reason) == ("Degraded", True, "Diverged")
    assert update.message.startswith("the training diverges: the loss of step 7 is nan. Such steps are not applied")
    assert "after 10 of them in a row the job fails" in update.message
    bad_steps = {"count": 1, "step": 7, "microbatch": 2, "message": "the loss of step 7 is nan from microbatch 2 on"}
    (update,) = diverged(progress={**PROGRESS, "loss": "nan"}, badSteps=bad_steps)
    assert "the loss of step 7 is nan from microbatch 2 on." in update.message
    assert diverged(progress={**PROGRESS, "loss": "3.2"}, badSteps=bad_steps) == ()
    assert diverged() == ()


def test_a_model_that_diverged_is_a_failure() -> None:
    because = diverged_because(job(started(model={**MODEL, "loss": "inf"})).status)
    assert because is not None
    assert because[0] == "Diverged"
    assert "j/model on volume checkpoints" in because[1]
    assert diverged_because(job(started(model={**MODEL, "loss": "3.2"})).status) is None
    assert diverged_because(job().status) is None
