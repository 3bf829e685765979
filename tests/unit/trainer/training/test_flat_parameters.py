"""All trained parameters are views of one buffer, matrices first."""

import torch
from torch import nn

from llmtrain_trainer.training.flat_parameters import FlatParameters

CPU = torch.device("cpu")


def make_model() -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 3), nn.Linear(3, 1).requires_grad_(False))


def test_matrices_come_first_and_frozen_parameters_are_left_out() -> None:
    parameters = FlatParameters(make_model(), CPU)
    assert list(parameters.named(parameters.weights)) == ["1.weight", "0.weight", "0.bias", "1.bias"]
    assert (parameters.decayed, parameters.elements) == (6, 6 + 2 + 2 + 3)


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
