"""The task regression: squared error of standardized numbers, and scores in the unit of the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.metrics.metric import Floats
from llmtrain_trainer.metrics.regression import Regression
from llmtrain_trainer.training.objective import Baseline, WholeText


@dataclass(frozen=True)
class RegressionObjective(WholeText):
    """A number for each text. Implements `Objective`.

    The network learns how many standard deviations of the training part a number is above their mean, so the loss and the
    learning rate do not depend on the unit of the data.
    """

    labels: LabelSet
    outputs: ClassVar[int] = 1
    reported: ClassVar[Sequence[str]] = ("mse", "mae", "r2", "spearman")

    @property
    def metric(self) -> Regression:
        """Mean squared and absolute error, R2 and Spearman's correlation."""
        return Regression()

    def terms(self, dataset: LabelledDataset) -> int:
        """Return the number of training samples: each is a term of the loss."""
        return len(dataset.training)

    def targets(self, samples: LabelledSamples, numbers: Sequence[int]) -> Tensor:
        """Return the numbers (B,) float64, in the unit of the data."""
        return torch.from_numpy(samples.labels[list(numbers)].astype(np.float64))

    def losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the squared error of each standardized number (B,) float64, and one term for each.

        A held-out number that is far from all that are trained on would be infinite in single precision.
        """
        return (outputs[:, 0].double() - self._standardized(targets)) ** 2, torch.ones_like(targets, dtype=torch.int64)

    def training_losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same in single precision."""
        standardized_B = self._standardized(targets).to(outputs.dtype)
        return (outputs[:, 0] - standardized_B) ** 2, torch.ones_like(targets, dtype=torch.int64)

    def rows(self, outputs: Tensor, targets: Tensor) -> Floats:
        """Return the rows of the metric."""
        return self.metric.rows(targets.cpu().numpy(), self._numbers(outputs).cpu().numpy())

    def baseline(self, dataset: LabelledDataset) -> Baseline:
        """Return what is reached by the mean of the training samples."""
        labels_S = dataset.held_out.labels.astype(np.float64)
        return Baseline(
            "mean", self.metric.rows(labels_S, np.full_like(labels_S, self.labels.label_mean)), ("mse", "mae")
        )

    def details(self, rows_SC: Floats) -> Mapping[str, Any]:
        """Return mean and standard deviation of the training samples."""
        return {"mean": self.labels.label_mean, "deviation": self.labels.label_deviation}

    def label(self, samples: LabelledSamples, number: int) -> float:
        """Return the number of a sample."""
        return float(samples.labels[number])

    def strengths(self, outputs: Tensor, whole: Tensor) -> Tensor:
        """Return the predicted numbers (B,) float64, in the unit of the data."""
        return self._numbers(outputs)

    def votes(self, outputs: Tensor) -> Tensor:
        """Return the predicted numbers (B, 1) float64, in the unit of the data."""
        return self._numbers(outputs)[:, None]

    def decide(self, votes: Tensor) -> list[dict[str, Any]]:
        """Return the number of each text."""
        return [{"prediction": float(f"{number:.6g}")} for (number,) in votes.tolist()]

    def _standardized(self, targets: Tensor) -> Tensor:
        return (targets - self.labels.label_mean) / self.labels.label_deviation

    def _numbers(self, outputs: Tensor) -> Tensor:
        """Return the predicted numbers (B,) float64, in the unit of the data."""
        return outputs[:, 0].double() * self.labels.label_deviation + self.labels.label_mean
