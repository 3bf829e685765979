"""Word vectors: skip-gram with negative sampling on running text. All random numbers are keyed by step and microbatch."""

import math
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.alias_generators import to_camel
from torch import Tensor

from llmtrain_api.model_sizes import vector_sizes
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset, read_windows
from llmtrain_trainer.data.loader import MicrobatchLoader, held_out_windows
from llmtrain_trainer.data.word_windows import WINDOW_TOKENS, WordFrequencies, kept_words
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.models.skipgram import SkipGram
from llmtrain_trainer.training.evaluation import MAX_TOKENS_WHILE_TRAINING
from llmtrain_trainer.training.reduction_tree import rank_range
from llmtrain_trainer.training.task import Judgement, PingWatchdog, autocast

SHARED_NEGATIVES = 512
"""Negatives that are drawn for the words of a microbatch."""
WINDOWS_PER_BATCH = 8


class WordVectorTask:
    """Vectors of words that are trained on a text. Implements `Task`."""

    spec_field = "spec.model"
    flops_per_token = None
    uses_rng = True

    def __init__(self, run: RunConfig, dataset: Dataset, device: torch.device) -> None:
        self._training, self.dataset, self._device = run.training, dataset, device
        self._window, self._negatives = run.task.window, run.task.negatives
        self.sizes = vector_sizes(run.model)
        self.model = SkipGram(self.sizes, dataset.info.vocab_size)
        self.data_name = dataset.info.id
        self.identity = {
            **{f"spec.model.{to_camel(name)}": str(value) for name, value in asdict(self.sizes).items()},
            "spec.task.window": str(self._window),
            "spec.task.negatives": str(self._negatives),
        }
        self._frequencies = WordFrequencies.of(dataset.training, dataset.info.vocab_size)
        self._batches = MicrobatchLoader.of(run, dataset, WINDOW_TOKENS)

    @property
    def tokens_per_term(self) -> float:
        """Words of the text for each pair of words, on average, if none were left out: a word reaches half of the window."""
        return 1 / (self._window + 1)

    @property
    def chance_loss(self) -> float:
        """The loss in nats per pair of vectors that say nothing."""
        return (1 + self._negatives) * math.log(2)

    def init_weights(self) -> None:
        """Set the initial weights, a function of the job's seed."""
        self.model.init_weights(self._training.seed)

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch and its number of pairs."""
        loss, pairs = self._loss(self._batches.microbatch(step, microbatch)[:, :-1], torch.default_generator)
        return loss, int(pairs)

    def check_peers(self, ranks: Collectives) -> None:
        """Do nothing: all tensors are trained."""

    def evaluate(
        self, ranks: Collectives, ping_watchdog: PingWatchdog, max_tokens: int = MAX_TOKENS_WHILE_TRAINING
    ) -> Judgement:
        """Return the held-out loss in nats per pair over about `max_tokens` words, the same bits at any number of ranks.

        NaN if no two words of the text are kept.
        """
        fault_point("evaluation")
        windows = held_out_windows(self.dataset, WINDOW_TOKENS, max_tokens)
        batches = [windows[start : start + WINDOWS_PER_BATCH] for start in range(0, len(windows), WINDOWS_PER_BATCH)]
        sums = torch.zeros(len(batches), 2, dtype=torch.float64, device=self._device)
        with torch.no_grad(), autocast(self._device, self._training.precision):
            for number in rank_range(len(batches), ranks.rank, ranks.size):
                ping_watchdog()
                tokens_BM = read_windows(self.dataset.held_out, batches[number], WINDOW_TOKENS)
                generator = torch.Generator().manual_seed(number)
                sums[number] = torch.stack(self._loss(tokens_BM[:, :-1], generator))
        ranks.all_reduce(sums)
        loss, pairs = sums.sum(0).tolist()
        return Judgement(loss=loss / pairs if pairs else math.nan)

    def _loss(self, tokens_BM: NDArray[np.int64], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the summed loss of windows and their number of pairs. Random numbers are drawn on the CPU, everywhere alike."""
        draws_BM = torch.rand(tokens_BM.shape, generator=generator, dtype=torch.float64).numpy()
        words_N = kept_words(tokens_BM, draws_BM, self._frequencies.kept, gap=self._window)
        reach_N = torch.randint(1, self._window + 1, words_N.shape, generator=generator)
        draws_K = torch.rand(SHARED_NEGATIVES, generator=generator, dtype=torch.float64).numpy()
        negatives_K = torch.from_numpy(self._frequencies.negatives(draws_K))
        return self.model.loss(
            torch.from_numpy(words_N).to(self._device),
            reach_N.to(self._device),
            negatives_K.to(self._device),
            self._negatives,
        )


def open_task(run: RunConfig, dataset_id: str, device: torch.device) -> WordVectorTask:
    """Return the task of a job with a prepared dataset. BadInput if it is not there."""
    return WordVectorTask(run, Dataset.open(run.data_directory, dataset_id), device)
