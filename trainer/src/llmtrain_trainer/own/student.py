"""The state of the training of a user's model: the same machinery, with their network and their loss."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from llmtrain_api.run import RunConfig
from llmtrain_trainer.data.order import Order
from llmtrain_trainer.own.checks import check_loss
from llmtrain_trainer.training.state import State

Loss = Callable[[list[int]], tuple[Tensor, int]]
"""Takes the numbers of samples; returns their summed loss, and how many (such as tokens) it is the sum of."""


class Student(State):
    """A user's model. Its first weights are those it was built with, so the program must build it from the seed."""

    field = "spec.entrypoint"
    noisy = True

    def __init__(
        self,
        run: RunConfig,
        model: nn.Module,
        samples: int,
        loss: Loss,
        device: torch.device,
        alive: Callable[[], None],
    ) -> None:
        first = {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}
        super().__init__(run, model.to(device), device, alive)
        self._first, self._loss = first, loss
        self._order = Order(training=run.training, size=samples)

    def fill(self) -> None:
        """Set the first weights: those that the model was built with."""
        for name, weight in self.parameters.named(self.parameters.weights).items():
            weight.copy_(self._first[name])

    def loss(self, number: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch of this step, and how many it is the sum of."""
        return check_loss(self._loss(self._order.microbatch(self.step, number)))
