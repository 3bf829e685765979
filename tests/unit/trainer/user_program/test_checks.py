"""A model or a loss that cannot be trained exactly is rejected, with a remedy."""

from typing import Any

import pytest
import torch
from torch import nn

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.user_program.checks import check_loss, check_model, check_num_samples

MODELS: list[Any] = [
    pytest.param("weights", "model is a str, not a torch.nn.Module", id="not a module"),
    pytest.param(nn.ReLU(), "no parameter of the model requires gradients", id="nothing to train"),
    pytest.param(
        nn.Linear(2, 2).double(),
        "parameter weight is torch.float64, not torch.float32; call model.float()",
        id="another type",
    ),
    pytest.param(
        nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)),
        "1 is a BatchNorm1d with running statistics",
        id="running statistics",
    ),
]
WITH_GRADIENTS = torch.ones(3, requires_grad=True)
LOSSES: list[Any] = [
    pytest.param(WITH_GRADIENTS.sum(), "loss returned a Tensor; return a tuple", id="no tuple"),
    pytest.param((1.0, 3), "is a float; return one number with gradients", id="no tensor"),
    pytest.param((WITH_GRADIENTS * 2, 3), "is a tensor of shape (3,)", id="not summed"),
    pytest.param((torch.ones(()), 3), "return one number with gradients", id="no gradients"),
    pytest.param((WITH_GRADIENTS.sum(), 0), "is 0; return the number of terms in the sum", id="sum of nothing"),
]


@pytest.mark.parametrize(("model", "message"), MODELS)
def test_a_model_that_cannot_be_trained_exactly_is_rejected(model: Any, message: str) -> None:
    with pytest.raises(BadInput, match=r"llmtrain\.train") as error:
        check_model(model)
    assert message in str(error.value)


@pytest.mark.parametrize(("result", "message"), LOSSES)
def test_a_loss_that_is_not_a_sum_with_its_count_is_rejected(result: Any, message: str) -> None:
    with pytest.raises(BadInput, match=r"llmtrain\.train") as error:
        check_loss(result)
    assert message in str(error.value)


def test_a_number_of_samples_below_one_is_rejected() -> None:
    with pytest.raises(BadInput, match="num_samples is 0"):
        check_num_samples(0)


def test_a_model_and_a_loss_that_can_be_trained_are_accepted() -> None:
    check_model(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)))
    loss, count = check_loss((WITH_GRADIENTS.sum().reshape(1), 3))
    assert (loss.shape, count) == ((), 3)
