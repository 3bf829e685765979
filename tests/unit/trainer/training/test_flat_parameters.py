"""All trained parameters are views of one buffer, matrices first."""

import torch
from torch import nn

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.flat_parameters import FlatParameters

CPU = torch.device("cpu")


def make_model() -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 3), nn.Linear(3, 1).requires_grad_(False))


def test_matrices_come_first_and_frozen_parameters_are_left_out() -> None:
    parameters = FlatParameters(make_model(), CPU)
    assert list(parameters.named(parameters.weights)) == ["1.weight", "0.weight", "0.bias", "1.bias"]
    assert (parameters.decayed, parameters.elements) == (6, 6 + 2 + 2 + 3)


class Scaled(nn.Module):
    """A matrix between parameters of all other numbers of dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(3.0))
        self.matrix = nn.Parameter(torch.ones(2, 3))
        self.gain = nn.Parameter(torch.ones(4))
        self.kernel = nn.Parameter(torch.ones(1, 1, 2))


def test_exactly_the_matrices_decay() -> None:
    parameters = FlatParameters(Scaled(), CPU)
    decayed = {
        name
        for name, view in parameters.named(torch.arange(parameters.elements)).items()
        if view.max() < parameters.decayed
    }
    assert decayed == {"matrix", "kernel"}
    assert parameters.decayed == 6 + 2
    optimizer = AdamW(Optimizer(weight_decay="0.5"), parameters, CPU)
    weights = torch.ones(parameters.elements)
    optimizer.update(weights, parameters.zeros(CPU), step=0, learning_rate=0.1)
    changed = {name for name, view in parameters.named(weights).items() if (view != 1).all()}
    assert changed == {"matrix", "kernel"}
    assert parameters.named(weights)["scale"].shape == ()


def test_a_parameter_of_two_modules_is_there_once_and_gets_the_gradients_of_both() -> None:
    first, second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    parameters = FlatParameters(model, CPU)
    parameters.weights.fill_(1.0)
    assert list(parameters.named(parameters.weights)) == ["0.weight"]
    gradients = parameters.gradient_buffer()
    parameters.point_gradients_to(gradients)
    torch.autograd.backward(model(torch.ones(1, 2)).sum())
    assert gradients.tolist() == [4.0] * 4  # 2 through each layer
    assert second.weight is first.weight


def test_sparse_gradients_are_added_to_the_buffer() -> None:
    parameters = FlatParameters(embedding := nn.Embedding(3, 2, sparse=True), CPU)
    gradients = parameters.gradient_buffer()
    for _ in range(2):
        parameters.point_gradients_to(gradients)
        torch.autograd.backward(embedding(torch.tensor([1])).sum())
    assert gradients.tolist() == [0.0, 0.0, 2.0, 2.0, 0.0, 0.0]


def test_writing_to_the_buffer_changes_the_model() -> None:
    model = make_model()
    parameters = FlatParameters(model, CPU)
    parameters.weights.fill_(2.0)
    assert all((weight == 2.0).all() for weight in model.parameters() if weight.requires_grad)


def test_backward_adds_gradients_to_the_buffer_that_they_point_to() -> None:
    model = make_model()
    parameters = FlatParameters(model, CPU)
    parameters.weights.fill_(1.0)
    buffers = [parameters.gradient_buffer(slack=1) for _ in range(2)]
    for buffer in (buffers[0], buffers[1], buffers[1]):
        parameters.point_gradients_to(buffer)
        torch.autograd.backward(model(torch.tensor([[1.0, 2.0]])).sum())
    assert buffers[0].any()
    assert torch.allclose(buffers[1], 2 * buffers[0])
    assert buffers[0][-1] == 0
