"""A model and a loss that can't be trained exactly are refused, with a remedy."""

from typing import Any

import pytest
import torch
from torch import nn

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.user_program.checks import check_loss, check_model, check_samples

MODELS: list[Any] = [
    # model, words
    ("weights", "model is a str, not a torch.nn.Module"),
    (nn.ReLU(), "no parameter of the model requires gradients"),
    (nn.Linear(2, 2).double(), "parameter weight is torch.float64, not torch.float32; call model.float()"),
    (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), "1 is a BatchNorm1d with running statistics"),
]
WITH_GRADIENTS = torch.ones(3, requires_grad=True)
LOSSES: list[Any] = [
    # what the loss function returned, words
    (WITH_GRADIENTS.sum(), "loss returned a Tensor; return two things"),
    ((1.0, 3), "is a float; return one number with gradients"),
    ((WITH_GRADIENTS * 2, 3), "is a tensor of shape (3,)"),
    ((torch.ones(()), 3), "return one number with gradients"),
    ((WITH_GRADIENTS.sum(), 0), "is 0; return how many the loss is the sum of"),
]


@pytest.mark.parametrize(("model", "words"), MODELS)
def test_a_model_is_refused(model: Any, words: str) -> None:
    with pytest.raises(BadInput, match=r"llmtrain\.train") as refusal:
        check_model(model)
    assert words in str(refusal.value)


@pytest.mark.parametrize(("result", "words"), LOSSES)
def test_a_loss_is_refused(result: Any, words: str) -> None:
    with pytest.raises(BadInput, match=r"llmtrain\.train") as refusal:
        check_loss(result)
    assert words in str(refusal.value)


def test_a_number_of_samples_is_refused() -> None:
    with pytest.raises(BadInput, match="samples is 0"):
        check_samples(0)


def test_what_can_be_trained_is_accepted() -> None:
    check_model(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)))
    loss, count = check_loss((WITH_GRADIENTS.sum().reshape(1), 3))
    assert (loss.shape, count) == ((), 3)
