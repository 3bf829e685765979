"""Our own network learns to go on with text: which microbatches it sees, and how far off it is."""

from collections.abc import Callable

import torch
from torch import Tensor

from llmtrain_api.run import RunConfig
from llmtrain_trainer.data.batches import Batches
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.models.flops import flops_per_token
from llmtrain_trainer.models.gpt import Gpt
from llmtrain_trainer.models.initial import fill
from llmtrain_trainer.models.shape import shape_of
from llmtrain_trainer.training.state import State


class Learner(State):
    """A decoder that is trained on a dataset."""

    def __init__(
        self, run: RunConfig, dataset: Dataset, device: torch.device, alive: Callable[[], None] = lambda: None
    ) -> None:
        self._dropout = float(run.training.dropout)
        self.noisy = self._dropout > 0
        self.shape = shape_of(run.model, dataset.facts.vocab_size)
        self.model = Gpt(self.shape)
        super().__init__(run, self.model, device, alive)
        self._batches = Batches(
            tokens=dataset.training, training=run.training, context_length=self.shape.context_length
        )

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one step learns from."""
        return self.training.microbatches * self.training.microbatch_size * self.shape.context_length

    @property
    def flops_per_token(self) -> int:
        """Operations that a token costs to learn from."""
        return flops_per_token(self.shape)

    def fill(self) -> None:
        """Set the first weights, from the seed."""
        fill(self.model, self.training.seed, self.shape.layers)

    def loss(self, number: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch of this step, and how many tokens it is the sum of."""
        tokens_BM = torch.from_numpy(self._batches.microbatch(self.step, number)).to(self.device)
        return self.model.loss(tokens_BM, dropout=self._dropout), tokens_BM[:, 1:].numel()
