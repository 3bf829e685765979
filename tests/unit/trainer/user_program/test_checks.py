"""A model or a loss that cannot be trained exactly is rejected, with a remedy."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

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


class Tied(nn.Module):
    """Two parameters in the same memory, and a parameter that two modules share."""

    def __init__(self, *, same: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight if same else nn.Parameter(self.first.weight.data.t())


class Stateful(nn.Linear):
    """A module that keeps state elsewhere."""

    def get_extra_state(self) -> Any:
        return 1

    def set_extra_state(self, state: Any) -> None:
        pass


def hooked() -> nn.Module:
    model = nn.Linear(2, 2)
    model.weight.register_post_accumulate_grad_hook(lambda weight: None)
    return model


def sparse() -> nn.Module:
    model = nn.Linear(2, 2)
    model.register_buffer("adjacency", torch.eye(2).to_sparse())
    return model


def wrapped() -> nn.Module:
    model = nn.Linear(2, 2)
    model.register_buffer("quantized", TwoTensor(torch.ones(2), torch.ones(2)))
    return model


def made_for_inference() -> nn.Module:
    with torch.inference_mode():
        frozen = nn.Linear(2, 2)
    return nn.Sequential(frozen.requires_grad_(False), nn.Linear(2, 2))


def buffer_of_weight() -> nn.Module:
    model = nn.Linear(2, 2)
    model.register_buffer("copy", model.weight.data)
    return model


MODELS += [
    pytest.param(
        Tied(same=False), "first.weight and second.weight are two tensors in the same memory", id="same memory"
    ),
    pytest.param(buffer_of_weight(), "are two tensors in the same memory", id="a buffer in the memory of a weight"),
    pytest.param(nn.Sequential(Stateful(2, 2)), "0 (Stateful) keeps state outside of parameters", id="extra state"),
    pytest.param(hooked(), "parameter weight has a hook that runs after its gradient", id="a hook"),
    pytest.param(nn.LazyLinear(2), "weight has no contents yet", id="lazy"),
    pytest.param(nn.Linear(2, 2, device="meta"), "weight has no contents yet", id="on no device"),
    pytest.param(wrapped(), "quantized is a TwoTensor, which wraps other tensors", id="a wrapper"),
    pytest.param(made_for_inference(), "0.weight was made in torch.inference_mode", id="made for inference"),
    pytest.param(sparse(), "adjacency is sparse", id="sparse"),
    pytest.param(
        nn.Linear(2, 2, dtype=torch.complex64), "parameter weight is torch.complex64, not torch.float32", id="complex"
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
    check_model(Tied(same=True))
    check_model(nn.Embedding(3, 2, sparse=True))
    loss, count = check_loss((WITH_GRADIENTS.sum().reshape(1), 3))
    assert (loss.shape, count) == ((), 3)
