"""The learning rate rises linearly, then follows the schedule of the job."""

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

SCHEDULE_CASES = [
    # schedule, steps, warm-up steps, step, expected
    pytest.param("linear", 110, 10, 9, 1.0, id="the warm-up of linear ends at the peak"),
    pytest.param("linear", 110, 10, 10, 1.0, id="the line starts at the peak"),
    pytest.param("linear", 110, 10, 60, 0.5, id="half of the steps are half of the line"),
    pytest.param("linear", 110, 10, 109, 0.01, id="the last step of the line still learns"),
    pytest.param("linear", 1, 0, 0, 1.0, id="a line of one step has the peak"),
    pytest.param("constant", 110, 10, 4, 0.5, id="constant warms up"),
    pytest.param("constant", 110, 10, 109, 1.0, id="constant ends at the peak"),
    pytest.param("wsd", 110, 10, 89, 1.0, id="wsd is stable before the last fifth"),
    pytest.param("wsd", 110, 10, 90, 1.0, id="the decay of wsd starts at the peak"),
    pytest.param("wsd", 110, 10, 95, 0.5, id="a quarter of the decay is half of the way down"),
    pytest.param("wsd", 110, 10, 109, 1 - (19 / 20) ** 0.5, id="the last step of wsd still learns"),
    pytest.param("wsd", 1, 0, 0, 1.0, id="wsd of one step has the peak"),
]


@pytest.mark.parametrize(("steps", "warmup", "step", "expected"), CASES)
def test_learning_rate(steps: int, warmup: int, step: int, expected: float) -> None:
    training = Training(steps=steps, warmup_steps=warmup, optimizer=Optimizer(learning_rate="1.0"))
    assert learning_rate(step, training) == pytest.approx(expected)


@pytest.mark.parametrize(("schedule", "steps", "warmup", "step", "expected"), SCHEDULE_CASES)
def test_schedule(schedule: str, steps: int, warmup: int, step: int, expected: float) -> None:
    training = Training.model_validate(
        {"steps": steps, "warmupSteps": warmup, "schedule": schedule, "optimizer": {"learningRate": "1.0"}}
    )
    assert learning_rate(step, training) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "wsd"])
def test_a_decay_never_rises_and_never_reaches_zero(schedule: str) -> None:
    training = Training.model_validate({"steps": 57, "warmupSteps": 3, "schedule": schedule})
    rates = [learning_rate(step, training) for step in range(3, 57)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0
