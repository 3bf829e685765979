"""Learning from labelled sequences, whatever the labels are: the loss of a microbatch, and scores on held-out samples.

What the labels mean is the objective of the task.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Tokens
from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples, padded
from llmtrain_trainer.data.labels import LABEL_KINDS, LabelSet
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.step_samples import StepSamples
from llmtrain_trainer.data.tokenizer import load_tokenizer, words_of
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.metrics.metric import Floats, score
from llmtrain_trainer.training.augmented_texts import AugmentedTexts
from llmtrain_trainer.training.classification import ClassificationObjective, balanced_weights
from llmtrain_trainer.training.explaining import VARIANTS, Explainable, Explainer, Explanation
from llmtrain_trainer.training.judging import MAX_SAMPLES_WHILE_TRAINING, judged_rows, spread_evenly
from llmtrain_trainer.training.networks import network_of
from llmtrain_trainer.training.objective import Objective, WholeText
from llmtrain_trainer.training.question_answering import QuestionAnsweringObjective
from llmtrain_trainer.training.regression import RegressionObjective
from llmtrain_trainer.training.tagging import TaggingObjective
from llmtrain_trainer.training.task import Judgement, PingWatchdog, autocast

OBJECTIVES: Mapping[str, Callable[[LabelSet, ModelTokenizer | None], Objective]] = {
    "classification": lambda labels, tokenizer: ClassificationObjective(labels),
    "regression": lambda labels, tokenizer: RegressionObjective(labels),
    "tagging": lambda labels, tokenizer: TaggingObjective(labels, after=len(tokenizer.around[1]) if tokenizer else 0),
    "question-answering": lambda labels, tokenizer: QuestionAnsweringObjective(
        labels, after=tokenizer.after_two if tokenizer else 0
    ),
}
"""By the name of the task; the tokenizer is that of a model, None if one is trained."""


class Judged(NamedTuple):
    """What is known of some held-out samples."""

    rows: Floats
    """The rows of the metric, one for each sample, or for each question of which the samples are windows."""
    losses: NDArray[np.float64]
    """The losses, summed over the terms of each sample (samples,)."""
    terms: NDArray[np.float64]
    """The numbers of terms (samples,)."""

    @property
    def loss(self) -> float:
        """The mean over all terms."""
        return float(self.losses.sum() / self.terms.sum())


class LabelledLearner:
    """A network that is trained on labelled sequences. Implements `Task`."""

    spec_field = "spec.model"
    flops_per_token = None

    def __init__(self, run: RunConfig, dataset: LabelledDataset, device: torch.device) -> None:
        self._training, self._device = run.training, device
        self.dataset = dataset
        self.objective = objective_of(run, dataset)
        self._network = network_of(
            run,
            vocab_size=dataset.info.vocab_size,
            words=lambda: words_of(load_tokenizer(dataset.directory)),
            outputs=self.objective.outputs,
            labels=dataset.label_set.names,
            device=device,
        )
        self._texts = AugmentedTexts.open(run, dataset.training, dataset.directory)
        self.model = self._network.model
        self.identity = {**self._network.identity, LEXICON_FIELD: self._texts.lexicon_digest}
        self.data_name = dataset.info.id
        self.uses_rng = self._network.dropout > 0
        self.tokens_per_term = dataset.info.tokens / self.objective.terms(dataset)
        self._steps = StepSamples.of(run, dataset.training, dataset.sources)

    def init_weights(self) -> None:
        """Set the initial weights, a function of the job's seed."""
        self._network.init_weights(self._training.seed)

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch and its number of terms."""
        numbers = self._steps.microbatch(step, microbatch)
        sequences = self._texts.sequences(numbers, self._steps.epochs(step, microbatch))
        targets = self.objective.targets(self.dataset.training, numbers)
        losses_B, terms_B = self.objective.training_losses(*self._compute(sequences, targets, self._network.dropout))
        return losses_B.sum(), int(terms_B.sum())

    def check_peers(self, ranks: Collectives) -> None:
        """Do nothing: all tensors of the network are trained."""

    def evaluate(self, ranks: Collectives, ping_watchdog: PingWatchdog) -> Judgement:
        """Return loss and scores on some held-out samples, spread evenly, the same on every rank."""
        numbers = self.objective.chosen(self.dataset.held_out, MAX_SAMPLES_WHILE_TRAINING)
        judged = self.judge(numbers, ranks, ping_watchdog)
        return Judgement(loss=judged.loss, scores=self.reported(score(self.objective.metric, judged.rows)))

    def reported(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return those of the metric's scores that log and status have: there is no limit to the number of classes."""
        return {name: scores[name] for name in self.objective.reported if name in scores}

    def judge(self, numbers: list[int], ranks: Collectives, ping_watchdog: PingWatchdog = lambda: None) -> Judged:
        """Return what is known of held-out samples."""
        held_out = self.dataset.held_out
        rows = judged_rows(
            held_out.lengths(numbers),
            self.objective.columns + 2,
            lambda positions: self._rows(held_out, [numbers[position] for position in positions]),
            ranks,
            device=self._device,
            ping_watchdog=ping_watchdog,
        )
        return Judged(self.objective.scored(held_out, numbers, rows[:, :-2]), rows[:, -2], rows[:, -1])

    def explain(self, count: int) -> list[Explanation]:
        """Return explanations of the answers to some held-out samples, spread evenly, of a task that reads whole texts."""
        explainer = Explainer(
            objective=cast(WholeText, self.objective),
            model=cast(Explainable, self.model),
            tokenizer=load_tokenizer(self.dataset.directory),
            device=self._device,
            precision=self._training.precision,
            max_variants=min(VARIANTS, self._training.microbatch_size),
        )
        held_out = self.dataset.held_out
        return [explainer.explain(held_out, number) for number in spread_evenly(len(held_out), count)]

    def _rows(self, samples: LabelledSamples, numbers: list[int]) -> Floats:
        """Return the numbers of the objective, the loss and its number of terms, of each sample."""
        with torch.no_grad(), autocast(self._device, self._training.precision):
            outputs, targets = self._compute(samples.sequences(numbers), self.objective.targets(samples, numbers))
            losses_B, terms_B = self.objective.losses(outputs, targets)
        of_loss_B2 = torch.stack([losses_B.double(), terms_B.double()], dim=1)
        return np.concatenate([self.objective.rows(outputs, targets), of_loss_B2.cpu().numpy()], axis=1)

    def _compute(self, sequences: Sequence[Tokens], targets: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the outputs of the network for some sequences of tokens, and the targets, on the same device."""
        tokens_BL = torch.from_numpy(padded(sequences)).to(self._device)
        lengths_B = torch.tensor([len(sequence) for sequence in sequences], device=self._device)
        return self.model(tokens_BL, lengths_B, dropout), targets.to(self._device)


def objective_of(run: RunConfig, dataset: LabelledDataset) -> Objective:
    """Return the objective of a job's task, with the settings of its training."""
    if run.task.name != "classification":
        tokenizer = ModelTokenizer.open(dataset.directory) if run.model.source else None
        return OBJECTIVES[run.task.name](dataset.label_set, tokenizer)
    balanced = run.training.class_weights == "Balanced"
    return ClassificationObjective(
        dataset.label_set,
        smoothing=float(run.training.label_smoothing),
        weights=balanced_weights(dataset.training_counts) if balanced else (),
    )


def open_task(run: RunConfig, dataset_id: str, device: torch.device) -> LabelledLearner:
    """Return the task of a job with a prepared dataset. BadInput if it is not there, or the model does not fit."""
    dataset = LabelledDataset.open(run.data_directory, dataset_id, LABEL_KINDS[run.task.name])
    return LabelledLearner(run, dataset, device)
