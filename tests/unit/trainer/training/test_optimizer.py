"""Every algorithm keeps its averages in buffers of the state."""

from typing import get_args

import pytest
import torch
from torch import nn

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.optimizer import ALGORITHMS, make_optimizer

CPU = torch.device("cpu")


def test_every_name_of_the_schema_is_an_algorithm() -> None:
    assert set(ALGORITHMS) == set(get_args(Optimizer.model_fields["name"].annotation))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_buffers_are_all_that_an_update_depends_on(name: str) -> None:
    """A rank that receives weights and buffers continues as the one that sent them."""
    torch.manual_seed(0)
    parameters = FlatParameters(nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3), nn.Linear(3, 3)), CPU)
    settings = Optimizer(name=name)
    one, other = (make_optimizer(settings, parameters, CPU) for _ in range(2))
    weights = torch.randn(parameters.elements)
    one.update(weights, torch.randn(parameters.elements), step=0, learning_rate=0.1)
    for buffer_name, buffer in other.buffers.items():
        buffer.copy_(one.buffers[buffer_name])
    received, gradients = weights.clone(), torch.randn(parameters.elements)
    one.update(weights, gradients.clone(), step=1, learning_rate=0.1)
    other.update(received, gradients.clone(), step=1, learning_rate=0.1)
    assert torch.equal(weights, received)
    assert all(torch.equal(buffer, other.buffers[buffer_name]) for buffer_name, buffer in one.buffers.items())
