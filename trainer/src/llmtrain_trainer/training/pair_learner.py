"""Learning to write a text from another one: the loss of a microbatch, and loss and scores on held-out pairs.

The loss has a term for each target token, the end of the text included. Scores compare what the model writes, each token the
most probable one, with the targets as they are in the records.

Letters of shape suffixes: B pairs, S source tokens, T target tokens, V vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.labelled_dataset import padded
from llmtrain_trainer.data.pair_dataset import PairDataset, Pairs
from llmtrain_trainer.data.step_samples import StepSamples
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.metrics.metric import Floats, score
from llmtrain_trainer.training.judging import MAX_SAMPLES_WHILE_TRAINING, judged_rows, samples_within, spread_evenly
from llmtrain_trainer.training.networks import pair_network
from llmtrain_trainer.training.task import Judgement, PingWatchdog, autocast
from llmtrain_trainer.training.writing import WRITINGS

if TYPE_CHECKING:
    from llmtrain_trainer.models.seq2seq import Seq2Seq  # imported by networks.py, which imports the library

WRITTEN_WHILE_TRAINING = 128
"""Held-out pairs whose targets are written in an evaluation while the model trains."""
COUNTED_TARGETS = 1024
"""Training pairs whose targets are counted in words for the trivial method."""
NOT_LEARNED = -100
"""Stands for padding in targets."""


class PairLearner:
    """An encoder-decoder that is trained on pairs. Implements `Task`."""

    spec_field = "spec.model"
    flops_per_token = None

    def __init__(self, run: RunConfig, dataset: PairDataset, device: torch.device) -> None:
        self._training, self._device = run.training, device
        self.dataset, self.writing = dataset, WRITINGS[run.task.name]
        self._network = pair_network(run, vocab_size=dataset.info.vocab_size, device=device)
        self.model, self.identity = cast("Seq2Seq", self._network.model), self._network.identity
        self.data_name = dataset.info.id
        self.uses_rng = self._network.dropout > 0
        self.tokens_per_term = dataset.info.tokens / dataset.training.target_tokens
        self.longest_target = dataset.training.longest_target
        self._steps = StepSamples.of(run, dataset.training, dataset.sources)
        self._tokenizer = load_tokenizer(dataset.directory)

    def init_weights(self) -> None:
        """Set the initial weights, a function of the job's seed."""
        self._network.init_weights(self._training.seed)

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch, with smoothed targets, and its number of target tokens."""
        numbers = self._steps.microbatch(step, microbatch)
        smoothing = float(self._training.label_smoothing)
        losses_B, tokens_B = self._losses(self.dataset.training, numbers, self._network.dropout, smoothing)
        return losses_B.sum(), int(tokens_B.sum())

    def check_peers(self, ranks: Collectives) -> None:
        """Do nothing: all tensors of the network are trained."""

    def evaluate(self, ranks: Collectives, ping_watchdog: PingWatchdog) -> Judgement:
        """Return the loss on some held-out pairs, spread evenly, and the scores on fewer, the same on every rank."""
        count = len(self.dataset.held_out)
        loss = self.judge_loss(spread_evenly(count, MAX_SAMPLES_WHILE_TRAINING), ranks, ping_watchdog)
        rows = self.judge_written(spread_evenly(count, WRITTEN_WHILE_TRAINING), ranks, ping_watchdog)
        return Judgement(loss=loss, scores=score(self.writing.metric, rows))

    def judge_loss(self, numbers: list[int], ranks: Collectives, ping_watchdog: PingWatchdog = lambda: None) -> float:
        """Return the loss on held-out pairs in nats per target token."""
        losses, tokens = self._judged(numbers, 2, self._loss_rows, ranks, ping_watchdog).sum(axis=0)
        return float(losses / tokens)

    def judge_written(
        self, numbers: list[int], ranks: Collectives, ping_watchdog: PingWatchdog = lambda: None
    ) -> Floats:
        """Return the rows of the metric (pairs, columns) of what is written for held-out pairs."""

        def rows(batch: list[int]) -> Floats:
            texts = self.written(self.dataset.held_out.sources(batch), ping_watchdog)
            return self.writing.metric.rows(texts, [self.dataset.texts.document(number)[1] for number in batch])

        return self._judged(numbers, self.writing.metric.columns, rows, ranks, ping_watchdog)

    def trivial_rows(self, numbers: Sequence[int]) -> Floats:
        """Return the rows of the metric of what the trivial method writes, which knows the training pairs alone."""
        documents, words = [self.dataset.texts.document(number) for number in numbers], self._target_words()
        trivial = [self.writing.trivial(source, words) for source, _ in documents]
        return self.writing.metric.rows(trivial, [target for _, target in documents])

    def written(self, sources: Sequence[NDArray[np.unsignedinteger]], ping_watchdog: PingWatchdog) -> list[str]:
        """Return the texts that the model writes for sources."""
        lengths_B = torch.tensor([len(source) for source in sources], device=self._device)
        sources_BS = torch.from_numpy(padded(sources)).to(self._device)
        with autocast(self._device, self._training.precision):
            tokens_BT = self.model.generate(sources_BS, lengths_B, self.longest_target, ping_watchdog)
        return self._tokenizer.decode_batch(tokens_BT.tolist(), skip_special_tokens=True)

    def _target_words(self) -> int:
        """Return the words of a target on average, at least one."""
        training = self.dataset.training
        counted = training.targets(spread_evenly(len(training), COUNTED_TARGETS))
        texts = self._tokenizer.decode_batch([target.tolist() for target in counted], skip_special_tokens=True)
        return max(1, round(sum(len(text.split()) for text in texts) / len(texts)))

    def _judged(
        self,
        numbers: list[int],
        columns: int,
        rows_of: Callable[[list[int]], Floats],
        ranks: Collectives,
        ping_watchdog: PingWatchdog,
    ) -> Floats:
        return judged_rows(
            self.dataset.held_out.lengths(numbers),
            columns,
            lambda positions: rows_of([numbers[position] for position in positions]),
            ranks,
            device=self._device,
            ping_watchdog=ping_watchdog,
        )

    def _loss_rows(self, numbers: list[int]) -> Floats:
        """Return loss and number of target tokens of each pair."""
        with torch.no_grad(), autocast(self._device, self._training.precision):
            parts = [self._losses(self.dataset.held_out, part) for part in self._parts(numbers)]
        return np.concatenate(
            [torch.stack([losses.double(), tokens.double()], 1).cpu().numpy() for losses, tokens in parts]
        )

    def _parts(self, numbers: list[int]) -> Iterator[list[int]]:
        """Yield the pairs in parts of at most MAX_LOGITS logits."""
        longest = max(map(len, self.dataset.held_out.targets(numbers)))
        size = samples_within(longest * self.dataset.info.vocab_size)
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]

    def _losses(
        self, pairs: Pairs, numbers: list[int], dropout: float = 0.0, smoothing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of each pair in nats, summed over its target tokens (B,), and the number of these (B,)."""
        sources, targets = pairs.sources(numbers), pairs.targets(numbers)
        lengths_B = torch.tensor([len(source) for source in sources], device=self._device)
        sources_BS, targets_BT, labels_BT = (
            torch.from_numpy(array).to(self._device)
            for array in (padded(sources), padded(targets), padded(targets, NOT_LEARNED))
        )
        logits_BTV = self.model(sources_BS, lengths_B, targets_BT, dropout)
        losses_BT = functional.cross_entropy(
            logits_BTV.flatten(0, 1),
            labels_BT.flatten(),
            reduction="none",
            label_smoothing=smoothing,
            ignore_index=NOT_LEARNED,
        ).view_as(labels_BT)
        return losses_BT.sum(1), (labels_BT != NOT_LEARNED).sum(1)


def open_task(run: RunConfig, dataset_id: str, device: torch.device) -> PairLearner:
    """Return the task of a job with a prepared dataset. BadInput if it is not there, or the model does not fit."""
    return PairLearner(run, PairDataset.open(run.data_directory, dataset_id), device)
