"""The state of the training of a user's model: the same machinery, with their network and their loss."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.sampler import Sampler
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.user_program.checks import check_loss

Loss = Callable[[list[int]], tuple[Tensor, int]]
"""Takes the numbers of samples; returns their summed loss, and how many (such as tokens) it is the sum of."""


class UserTask(TrainState):
    """A user's model. Its first weights are those it was built with, so the program must build it from the seed."""

    spec_field = "spec.entrypoint"
    uses_rng = True

    def __init__(
        self,
        run: RunConfig,
        model: nn.Module,
        samples: int,
        loss: Loss,
        device: torch.device,
        ping_watchdog: Callable[[], None],
    ) -> None:
        first = {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}
        super().__init__(run, model.to(device), device, ping_watchdog)
        self._first, self._loss = first, loss
        self._order = Sampler(training=run.training, size=samples)

    def init_weights(self) -> None:
        """Set the first weights: those that the model was built with."""
        for name, weight in self.parameters.named(self.parameters.weights).items():
            weight.copy_(self._first[name])

    def loss(self, number: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch of this step, and how many it is the sum of."""
        return check_loss(self._loss(self._order.microbatch(self.step, number)))
