"""The task of a user's program: the user's model and loss."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.sampler import Sampler
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.task import PingWatchdog
from llmtrain_trainer.user_program.checks import check_loss
from llmtrain_trainer.user_program.frozen_tensors import FrozenTensors

Loss = Callable[[list[int]], tuple[Tensor, int]]
"""Takes indices of samples; returns their summed loss, and how many terms (such as tokens) it is the sum of."""


class UserTask:
    """A user's model. Implements `Task`.

    Its initial weights are those it was built with, so the program must build it from the job's seed.
    """

    spec_field = "spec.entrypoint"
    uses_rng = True
    flops_per_token = None
    tokens_per_term = 1.0

    def __init__(self, run: RunConfig, model: nn.Module, num_samples: int, loss: Loss, device: torch.device) -> None:
        trained = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
        self._initial_weights = {name: weight.detach().clone() for name, weight in trained}
        self._frozen = FrozenTensors(model)
        self.model = model.to(device)
        self._frozen.watch()
        self._device = device
        self.data_name = run.entrypoint.name if run.entrypoint else ""
        self.identity = {"llmtrain.train: num_samples": str(num_samples), **self._frozen.identity}
        self._loss = loss
        self._sampler = Sampler(training=run.training, size=num_samples)

    def init_weights(self) -> None:
        """Set the weights that the model was built with."""
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                if name in self._initial_weights:
                    weight.copy_(self._initial_weights[name])

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch, and how many terms it is the sum of."""
        result = check_loss(self._loss(self._sampler.microbatch(step, microbatch)))
        self._frozen.require_unchanged()
        return result

    def check_peers(self, ranks: Collectives) -> None:
        """Check that the frozen parameters and buffers are the same on every rank. BadInput, with the name, if not."""
        self._frozen.check_peers(ranks, self._device)

    def evaluate(self, ranks: Collectives, ping_watchdog: PingWatchdog) -> None:
        """Return None: a user's program has no held-out data."""
