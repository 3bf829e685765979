"""SGD is that of torch."""

import torch
from torch import nn

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.sgd import SGD


def test_it_computes_what_torch_does() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(4, 3), nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    parameters = FlatParameters(ours, torch.device("cpu"))
    with torch.no_grad():
        for name, view in parameters.named(parameters.weights).items():
            view.copy_(theirs.get_parameter(name))
    optimizer = SGD(Optimizer(name="sgd", weight_decay="0.1", beta1="0.9"), parameters, torch.device("cpu"))
    groups = [{"params": [theirs.weight], "weight_decay": 0.1}, {"params": [theirs.bias], "weight_decay": 0.0}]
    oracle = torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    for step in range(5):
        gradients = torch.randn(parameters.elements)
        for name, view in parameters.named(gradients).items():
            theirs.get_parameter(name).grad = view.clone()
        optimizer.update(parameters.weights, gradients, step=step, learning_rate=0.05)
        oracle.step()
    for name, view in parameters.named(parameters.weights).items():
        torch.testing.assert_close(view, theirs.get_parameter(name).data)
