"""AdamW is that of the paper."""

import torch
from torch import nn

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.flat_parameters import FlatParameters

CPU = torch.device("cpu")


def test_the_first_step_moves_each_weight_by_the_learning_rate_and_decays_the_matrices_only() -> None:
    optimizer = AdamW(Optimizer(weight_decay="0.1"), FlatParameters(nn.Linear(1, 1), CPU), CPU)
    weights = torch.tensor([1.0, 1.0])
    optimizer.update(weights, torch.tensor([0.5, -2.0]), step=0, learning_rate=0.01)
    assert torch.allclose(weights, torch.tensor([1.0 - 0.001 - 0.01, 1.0 + 0.01]), atol=1e-6)
