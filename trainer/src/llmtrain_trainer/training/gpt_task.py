"""Our own network learns to go on with text: which microbatches it sees, and how far off it is."""

from collections.abc import Callable

import torch
from torch import Tensor

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.loader import MicrobatchLoader
from llmtrain_trainer.models.config import config_for
from llmtrain_trainer.models.flops import flops_per_token
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.init_weights import init_weights
from llmtrain_trainer.training.train_state import TrainState


class GPTTask(TrainState):
    """A decoder that is trained on a dataset."""

    def __init__(
        self, run: RunConfig, dataset: Dataset, device: torch.device, ping_watchdog: Callable[[], None] = lambda: None
    ) -> None:
        self._dropout = float(run.training.dropout)
        self.uses_rng = self._dropout > 0
        self.shape = config_for(run.model, dataset.facts.vocab_size)
        self.model = GPT(self.shape)
        super().__init__(run, self.model, device, ping_watchdog)
        self._batches = MicrobatchLoader(
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

    def init_weights(self) -> None:
        """Set the first weights, from the seed."""
        init_weights(self.model, self.training.seed, self.shape.layers)

    def loss(self, number: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch of this step, and how many tokens it is the sum of."""
        tokens_BM = torch.from_numpy(self._batches.microbatch(self.step, number)).to(self.device)
        return self.model.loss(tokens_BM, dropout=self._dropout), tokens_BM[:, 1:].numel()
