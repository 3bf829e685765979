"""Recommendation of the next item: next-token prediction on item sequences, judged by the rank of each user's last item."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.alias_generators import to_camel
from torch import Tensor
from torch.nn import functional

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Tokens
from llmtrain_trainer.data.item_dataset import ItemDataset, Windows
from llmtrain_trainer.data.labelled_dataset import PADDING, padded
from llmtrain_trainer.data.step_samples import StepSamples
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.ranking import Ranking
from llmtrain_trainer.models.config import config_for
from llmtrain_trainer.models.flops import flops_per_token
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.init_weights import init_weights
from llmtrain_trainer.training.judging import MAX_SAMPLES_WHILE_TRAINING, judged_rows, spread_evenly
from llmtrain_trainer.training.task import Judgement, PingWatchdog, autocast


class RecommendationTask:
    """A decoder whose tokens are items. Implements `Task`."""

    spec_field = "spec.model"
    tokens_per_term = 1.0

    def __init__(self, run: RunConfig, dataset: ItemDataset, device: torch.device) -> None:
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
        self.metric = Ranking()
        self._windows = Windows.of(dataset.tokens, dataset.offsets, self.config.context_length)
        self._steps = StepSamples(run.training, self._windows)

    @property
    def flops_per_token(self) -> int:
        """Floating-point operations to train on one token."""
        return flops_per_token(self.config)

    def init_weights(self) -> None:
        """Set the initial weights, a function of the job's seed."""
        init_weights(self.model, self._training.seed, self.config.layers)

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch and its number of predicted items."""
        tokens_BM = torch.from_numpy(self._windows.batch(self._steps.microbatch(step, microbatch)))
        loss = self.model.loss(tokens_BM.to(self._device), self._dropout, padding=PADDING)
        return loss, int((tokens_BM[:, 1:] != PADDING).sum())

    def check_peers(self, ranks: Collectives) -> None:
        """Do nothing: all tensors of the network are trained."""

    def evaluate(self, ranks: Collectives, ping_watchdog: PingWatchdog) -> Judgement:
        """Return loss and scores for the last items of some users, spread evenly, the same on every rank."""
        rows_SC, losses_S = self.judge(
            spread_evenly(len(self.dataset.held_out), MAX_SAMPLES_WHILE_TRAINING), ranks, ping_watchdog
        )
        return Judgement(loss=float(losses_S.mean()), scores=score(self.metric, rows_SC))

    def judge(
        self, users: list[int], ranks: Collectives, ping_watchdog: PingWatchdog = lambda: None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the rows of the metric (users, columns) and the losses in nats (users,) of the last items of users."""
        offsets = self.dataset.offsets
        lengths = np.array([offsets[user + 1] - offsets[user] for user in users])
        rows = judged_rows(
            np.minimum(lengths, self.config.context_length),
            self.metric.columns + 1,
            lambda positions: self._rows([users[position] for position in positions]),
            ranks,
            device=self._device,
            ping_watchdog=ping_watchdog,
        )
        return rows[:, :-1], rows[:, -1]

    def _rows(self, users: list[int]) -> NDArray[np.float64]:
        """Return the numbers of the metric and the loss of each user."""
        histories = [self.dataset.history(user) for user in users]
        targets = self.dataset.held_out[users].astype(np.int64)
        with torch.no_grad(), autocast(self._device, self._training.precision):
            logits_BV = item_logits(self.model, histories, self._device)
            losses_B = functional.cross_entropy(logits_BV, torch.from_numpy(targets).to(self._device), reduction="none")
        scores_BV = logits_BV.cpu().numpy()
        rows_BC = self.metric.rows(targets, scores_BV, no_candidates(histories, scores_BV.shape[1]))
        return np.concatenate([rows_BC, losses_B.double().cpu().numpy()[:, None]], axis=1)


def item_logits(model: GPT, histories: Sequence[Tokens], device: torch.device) -> Tensor:
    """Return the logits (B, V) of the item that follows each history, of which the model reads the end."""
    recent = [history[-model.config.context_length :] for history in histories]
    lengths_B = torch.tensor([len(items) for items in recent], device=device)
    return model.next_logits(torch.from_numpy(padded(recent)).to(device), lengths_B)


def no_candidates(histories: Sequence[Tokens], vocab_size: int) -> NDArray[np.bool_]:
    """Return which tokens are not recommended (B, V): what the user has seen, and padding."""
    excluded_BV = np.zeros((len(histories), vocab_size), dtype=bool)
    excluded_BV[:, PADDING] = True
    for row, history in zip(excluded_BV, histories, strict=True):
        row[history] = True
    return excluded_BV


def open_task(run: RunConfig, dataset_id: str, device: torch.device) -> RecommendationTask:
    """Return the task of a job with a prepared dataset. BadInput if it is not there, or the sizes do not fit together."""
    return RecommendationTask(run, ItemDataset.open(run.data_directory, dataset_id), device)
