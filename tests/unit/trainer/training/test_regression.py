"""Numbers are learned in standard deviations from the mean, and answered in the unit of the data."""

import pytest
import torch

from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.training.regression import RegressionObjective

OBJECTIVE = RegressionObjective(LabelSet(label_mean=10.0, label_deviation=4.0))


def test_the_loss_is_the_squared_error_of_standardized_numbers() -> None:
    losses, terms = OBJECTIVE.losses(torch.tensor([[0.5], [-1.0]]), torch.tensor([12.0, 2.0], dtype=torch.float64))
    assert losses.tolist() == [0.0, 1.0]
    assert (terms.tolist(), losses.dtype) == ([1, 1], torch.float64)


def test_scores_and_answers_have_the_unit_of_the_data() -> None:
    outputs, targets = torch.tensor([[0.5], [-1.0]]), torch.tensor([12.0, 2.0], dtype=torch.float64)
    assert score(OBJECTIVE.metric, OBJECTIVE.rows(outputs, targets))["mse"] == pytest.approx(8)
    assert OBJECTIVE.answers(outputs, [1, 1]) == [{"prediction": 12.0}, {"prediction": 6.0}]


def test_numbers_far_from_zero_keep_their_differences() -> None:
    objective = RegressionObjective(LabelSet(label_mean=1e9, label_deviation=0.5))
    losses, _ = objective.losses(torch.zeros(2, 1), torch.tensor([1e9, 1e9 + 1], dtype=torch.float64))
    assert losses.tolist() == [0.0, 4.0]


def test_a_held_out_number_far_from_those_that_are_trained_on_has_a_finite_loss() -> None:
    objective = RegressionObjective(LabelSet(label_mean=0.0, label_deviation=1e-4))
    losses, _ = objective.losses(torch.zeros(1, 1), torch.tensor([1e30], dtype=torch.float64))
    assert losses.tolist() == pytest.approx([1e68])
    learned, _ = objective.training_losses(torch.zeros(1, 1), torch.tensor([1e-4], dtype=torch.float64))
    assert (learned.dtype, learned.tolist()) == (torch.float32, pytest.approx([1.0]))
