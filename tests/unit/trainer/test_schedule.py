"""The learning rate rises linearly, then falls along a cosine to a tenth."""

import pytest

from llmtrain_api.job import Optimizer, Training
from llmtrain_trainer.training.lr_schedule import learning_rate

CASES = [
    # sentence                                       steps  warmup  step  expected
    ("the first step isn't wasted", 110, 10, 0, 0.1),
    ("the warm-up ends at the highest", 110, 10, 9, 1.0),
    ("the cosine begins at the highest", 110, 10, 10, 1.0),
    ("the last step has a tenth", 110, 10, 109, 0.1),
    ("the middle has the middle", 111, 10, 60, 0.55),
    ("without a warm-up the first step has the highest", 11, 0, 0, 1.0),
    ("a job of one step has the highest", 1, 0, 0, 1.0),
    ("a warm-up longer than the job never ends", 5, 10, 4, 0.5),
]


@pytest.mark.parametrize(("sentence", "steps", "warmup", "step", "expected"), CASES)
def test_learning_rate(sentence: str, steps: int, warmup: int, step: int, expected: float) -> None:
    training = Training(steps=steps, warmup_steps=warmup, optimizer=Optimizer(learning_rate="1.0"))
    assert learning_rate(step, training) == pytest.approx(expected), sentence
