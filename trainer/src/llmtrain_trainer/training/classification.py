"""The task classification: cross-entropy, and scores from the class of each text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.metrics.baselines import majority_class
from llmtrain_trainer.metrics.classification import Classification
from llmtrain_trainer.metrics.metric import Floats
from llmtrain_trainer.training.objective import Baseline, WholeText


@dataclass(frozen=True)
class ClassificationObjective(WholeText):
    """A class for each text. Implements `Objective`."""

    labels: LabelSet
    smoothing: float = 0.0
    """Part of each target that is spread evenly over all classes while the network trains (Szegedy et al. 2016)."""
    weights: tuple[float, ...] = ()
    """What each class counts while the network trains; 1 if empty."""
    reported: ClassVar[Sequence[str]] = ("accuracy", "f1", "precision", "recall", "auc")

    @property
    def outputs(self) -> int:
        """One logit for each class."""
        return len(self.labels.names)

    @property
    def metric(self) -> Classification:
        """Accuracy, precision, recall, F1 and ROC-AUC."""
        return Classification(class_names=self.labels.names)

    def terms(self, dataset: LabelledDataset) -> int:
        """Return the number of training samples: each is a term of the loss."""
        return len(dataset.training)

    def targets(self, samples: LabelledSamples, numbers: Sequence[int]) -> Tensor:
        """Return the numbers of the classes (B,) int64."""
        return torch.from_numpy(samples.labels[list(numbers)].astype(np.int64))

    def losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of each sample in nats (B,), and one term for each."""
        return functional.cross_entropy(outputs, targets, reduction="none"), torch.ones_like(targets)

    def training_losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of each sample with smoothed targets and weighted classes (B,), and one term for each."""
        weights_C = torch.tensor(self.weights, device=outputs.device) if self.weights else None
        losses_B = functional.cross_entropy(
            outputs, targets, weights_C, reduction="none", label_smoothing=self.smoothing
        )
        return losses_B, torch.ones_like(targets)

    def rows(self, outputs: Tensor, targets: Tensor) -> Floats:
        """Return the rows of the metric."""
        return self.metric.rows(targets.cpu().numpy(), outputs.cpu().numpy())

    def baseline(self, dataset: LabelledDataset) -> Baseline:
        """Return what is reached by the class that most training samples have."""
        labels = dataset.held_out.labels.astype(np.int64)
        answer = np.zeros((1, self.outputs))
        answer[0, majority_class(np.array(dataset.training_counts))] = 1.0
        rows_SC = self.metric.rows(labels, np.repeat(answer, len(labels), axis=0))
        return Baseline("majority", rows_SC, ("accuracy", "f1"))

    def details(self, rows_SC: Floats) -> Mapping[str, Any]:
        """Return the names of the classes, and how often each (row) was predicted as each (column)."""
        return {"labels": list(self.labels.names), "confusion": self.metric.confusion(rows_SC).tolist()}

    def label(self, samples: LabelledSamples, number: int) -> str:
        """Return the name of the class of a sample."""
        return self.labels.names[int(samples.labels[number])]

    def strengths(self, outputs: Tensor, whole: Tensor) -> Tensor:
        """Return the probability of the class that is the answer to the whole text (B,)."""
        return outputs.softmax(-1)[:, int(whole[0].argmax())]

    def votes(self, outputs: Tensor) -> Tensor:
        """Return the probabilities of the classes (B, classes)."""
        return outputs.softmax(-1)

    def decide(self, votes: Tensor) -> list[dict[str, Any]]:
        """Return the most probable class of each text, and its probability."""
        probabilities, classes = votes.max(-1)
        return [
            {"prediction": self.labels.names[number], "probability": round(probability, 6)}
            for number, probability in zip(classes.tolist(), probabilities.tolist(), strict=True)
        ]


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """Return the weight of each class, with which each counts as much; 0 for one without samples.

    The weights of all samples add up to their number (King & Zeng 2001), so losses keep their size.
    """
    present = sum(1 for count in counts if count)
    return tuple(sum(counts) / (present * count) if count else 0.0 for count in counts)
