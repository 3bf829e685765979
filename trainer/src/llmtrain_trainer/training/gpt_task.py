"""Pretraining of the built-in network: next-token prediction on a prepared dataset."""

from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.alias_generators import to_camel
from torch import Tensor

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.loader import MicrobatchLoader
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.metrics.metric import Floats
from llmtrain_trainer.models.config import config_for
from llmtrain_trainer.models.flops import flops_per_token
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.init_weights import init_weights
from llmtrain_trainer.training.evaluation import MAX_TOKENS_WHILE_TRAINING, held_out_loss, held_out_rows
from llmtrain_trainer.training.task import Judgement, PingWatchdog


class GPTTask:
    """A decoder that is trained on a dataset. Implements `Task`."""

    spec_field = "spec.model"
    tokens_per_term = 1.0

    def __init__(self, run: RunConfig, dataset: Dataset, device: torch.device) -> None:
        self._training, self.dataset, self._device = run.training, dataset, device
        self._dropout = float(run.training.dropout)
        self.config = config_for(run.model, dataset.info.vocab_size)
        self.model = GPT(self.config)
        self.data_name = dataset.info.id
        sizes = {
            name: size for name, size in asdict(self.config).items() if name != "vocab_size"
        }  # in the dataset's id
        self.identity = {f"spec.model.{to_camel(name)}": str(value) for name, value in sizes.items()}
        self.uses_rng = self._dropout > 0
        self._batches = MicrobatchLoader.of(run, dataset, self.config.context_length)

    @property
    def tokens_per_step(self) -> int:
        """Tokens in all microbatches of a step."""
        return self._training.microbatches * self._training.microbatch_size * self.config.context_length

    @property
    def flops_per_token(self) -> int:
        """Floating-point operations to train on one token."""
        return flops_per_token(self.config)

    def init_weights(self) -> None:
        """Set the initial weights, a function of the job's seed."""
        init_weights(self.model, self._training.seed, self.config.layers)

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch and its number of predicted tokens."""
        tokens_BM = torch.from_numpy(self._batches.microbatch(step, microbatch)).to(self._device)
        return self.model.loss(tokens_BM, dropout=self._dropout), tokens_BM[:, 1:].numel()

    def check_peers(self, ranks: Collectives) -> None:
        """Do nothing: all tensors of the network are trained."""

    def evaluate(
        self, ranks: Collectives, ping_watchdog: PingWatchdog, max_tokens: int = MAX_TOKENS_WHILE_TRAINING
    ) -> Judgement:
        """Return the held-out loss in nats per token over about `max_tokens` tokens, the same on every rank."""
        loss = held_out_loss(
            self.model,
            self.dataset,
            ranks,
            training=self._training,
            max_tokens=max_tokens,
            ping_watchdog=ping_watchdog,
        )
        return Judgement(loss=loss)

    def judge(self, max_tokens: int, bytes_V: NDArray[np.int64]) -> Floats:
        """Return the rows of the metric `Perplexity` of held-out windows with about `max_tokens` tokens.

        `bytes_V` is of how many bytes of text each token is.
        """
        return held_out_rows(self.model, self.dataset, bytes_V, training=self._training, max_tokens=max_tokens)


def open_task(run: RunConfig, dataset_id: str, device: torch.device) -> GPTTask:
    """Return the task of a job with a prepared dataset. BadInput if it is not there."""
    return GPTTask(run, Dataset.open(run.data_directory, dataset_id), device)
