"""The learning rate rises linearly, then falls along a cosine to a tenth."""

import pytest

from llmtrain_api.job import Optimizer, Training
from llmtrain_trainer.training.lr_schedule import learning_rate

CASES = [
    # steps, warm-up steps, step, expected
    pytest.param(110, 10, 0, 0.1, id="the first step has a learning rate"),
    pytest.param(110, 10, 9, 1.0, id="the warm-up ends at the peak"),
    pytest.param(110, 10, 10, 1.0, id="the cosine starts at the peak"),
    pytest.param(110, 10, 109, 0.1, id="the last step has a tenth of the peak"),
    pytest.param(111, 10, 60, 0.55, id="half of the steps are half of the way down"),
    pytest.param(11, 0, 0, 1.0, id="without a warm-up the first step has the peak"),
    pytest.param(1, 0, 0, 1.0, id="a job of one step has the peak"),
    pytest.param(10, 20, 0, 0.2, id="a warm-up longer than the job is shortened to half of it"),
    pytest.param(10, 20, 4, 1.0, id="a shortened warm-up ends at the peak"),
    pytest.param(20, 20, 9, 1.0, id="a warm-up as long as the job is shortened"),
    pytest.param(21, 20, 9, 0.5, id="a warm-up that ends in time is not shortened"),
    pytest.param(1, 20, 0, 1.0, id="a job of one step has no warm-up"),
]


@pytest.mark.parametrize(("steps", "warmup", "step", "expected"), CASES)
def test_learning_rate(steps: int, warmup: int, step: int, expected: float) -> None:
    training = Training(steps=steps, warmup_steps=warmup, optimizer=Optimizer(learning_rate="1.0"))
    assert learning_rate(step, training) == pytest.approx(expected)
