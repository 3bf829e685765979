"""What a task learns from labelled sequences: its loss, its scores, and its answers. `LabelledLearner` does the rest.

    classification.py   a class for each sequence
    regression.py       a number for each sequence
    tagging.py          a tag for each word
    question_answering.py   a part of the text

Letters of shape suffixes: B sequences, S samples, C columns of a metric.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from llmtrain_trainer.data.encoding import Encoding
from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.data.question_windows import Window
from llmtrain_trainer.data.record_values import repaired, scalar
from llmtrain_trainer.metrics.metric import Floats, Metric
from llmtrain_trainer.training.judging import spread_evenly


class Input(NamedTuple):
    """A sequence to read."""

    tokens: NDArray[np.unsignedinteger]
    words: Sequence[int] = ()
    """The first token of each word, if words have tags."""
    window: Window | None = None
    """The window that it is of a context, if a question is asked."""
    context: str = ""


class Baseline(NamedTuple):
    """What a trivial method reaches on the held-out samples."""

    name: str
    """Begins the names of its scores in the status."""
    rows: Floats
    """The rows of the metric (samples, columns), of all held-out samples."""
    compared: Sequence[str]
    """The scores that the status has beside those of the model."""


class Objective(Protocol):
    """What is learned. `outputs` are those of the network, in float32; `targets` are on the same device."""

    @property
    def labels(self) -> LabelSet:
        """The labels of the data."""

    @property
    def outputs(self) -> int:
        """The number of outputs of the network's head."""

    @property
    def metric(self) -> Metric:
        """The scores."""

    @property
    def columns(self) -> int:
        """The numbers of a sequence from which the rows of the metric follow."""

    @property
    def reported(self) -> Sequence[str]:
        """The scores that the status has, the first one in sentences; `evaluation.json` has all."""

    def terms(self, dataset: LabelledDataset) -> int:
        """Return the number of terms of the loss of all training samples."""

    def targets(self, samples: LabelledSamples, numbers: Sequence[int]) -> Tensor:
        """Return what is to be learned of some samples (B, ...)."""

    def losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of each sequence, summed over its terms (B,), and the number of these (B,)."""

    def training_losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same as it is learned, which the settings of the training may change."""

    def rows(self, outputs: Tensor, targets: Tensor) -> Floats:
        """Return the numbers of each sequence (B, columns)."""

    def chosen(self, samples: LabelledSamples, count: int) -> list[int]:
        """Return about `count` samples that are judged while the model trains, in order."""

    def scored(self, samples: LabelledSamples, numbers: Sequence[int], rows_SC: Floats) -> Floats:
        """Return the rows of the metric, from those of all sequences with these numbers (S, columns)."""

    def baseline(self, dataset: LabelledDataset) -> Baseline:
        """Return what a trivial method reaches, which knows the training samples alone."""

    def details(self, rows_SC: Floats) -> Mapping[str, Any]:
        """Return what `evaluation.json` has beside the scores, from the rows of all held-out samples."""

    def text(self, values: Sequence[object]) -> str | None:
        """Return the text that is to be read, from a value of JSON, or two if there is a question; None if it is none."""

    def inputs(self, encoding: Encoding, text: str, max_tokens: int) -> list[Input]:
        """Return the sequences to read of a text, tokenized as training data are."""

    def answers(self, outputs: Tensor, inputs: Sequence[Input]) -> list[Any]:
        """Return the answer to each sequence."""

    def merge(self, answers: Sequence[Any]) -> dict[str, Any]:
        """Return the fields of the answer to a text, from those to its sequences."""


class LearnedAsJudged(ABC):
    """The part of an objective whose loss is the same in training and on held-out samples."""

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of each sequence and its number of terms."""

    def training_losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same."""
        return self.losses(outputs, targets)


class RowEach(LearnedAsJudged):
    """The part of an objective in which each sequence is a sample of the metric."""

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """The scores."""

    @property
    def columns(self) -> int:
        """Those of the metric."""
        return self.metric.columns

    def chosen(self, samples: LabelledSamples, count: int) -> list[int]:
        """Return at most `count` samples, spread evenly."""
        return spread_evenly(len(samples), count)

    def scored(self, samples: LabelledSamples, numbers: Sequence[int], rows_SC: Floats) -> Floats:
        """Return the rows as they are."""
        return rows_SC


class WholeText(RowEach):
    """The part of an objective that reads a text as one sequence and has one answer to it, which can be explained and averaged."""

    @abstractmethod
    def label(self, samples: LabelledSamples, number: int) -> str | float:
        """Return the label of a sample."""

    @abstractmethod
    def strengths(self, outputs: Tensor, whole: Tensor) -> Tensor:
        """Return how strongly variants of a text have the answer to it (B,), from their outputs and those of the text (1, ...)."""

    @abstractmethod
    def votes(self, outputs: Tensor) -> Tensor:
        """Return the probabilities of the classes of each text, or the number alone (B, outputs): they may be averaged over models."""

    @abstractmethod
    def decide(self, votes: Tensor) -> list[dict[str, Any]]:
        """Return the answer to each text."""

    def answers(self, outputs: Tensor, inputs: Sequence[Input]) -> list[dict[str, Any]]:
        """Return the answer of one model to each text."""
        return self.decide(self.votes(outputs))

    def text(self, values: Sequence[object]) -> str | None:
        """Return the text that is to be read, with U+FFFD for halves of characters; None if it is none."""
        text = repaired(scalar(values[0]))[0]
        return text if text.strip() else None

    def inputs(self, encoding: Encoding, text: str, max_tokens: int) -> list[Input]:
        """Return the beginning of a text."""
        return [Input(encoding.beginning(text, max_tokens))]

    def merge(self, answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the only answer."""
        (answer,) = answers
        return answer
