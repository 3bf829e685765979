"""What a baseline is, and how its answers are judged: by the metrics of the trainer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.metrics.metric import Metric, score


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The scores of a trivial method on the test part of a set."""

    set_name: str
    method: str
    samples: int
    scores: dict[str, float]

    def __str__(self) -> str:
        """Return one line: the set, the method, the scores and the number of test samples."""
        scores = "  ".join(f"{name} {value:.3f}" for name, value in self.scores.items())
        return f"{self.set_name:15} {self.method:24} {scores}  ({self.samples} samples)"


def judge(set_name: str, method: str, metric: Metric, rows: NDArray[np.float64], names: tuple[str, ...]) -> Baseline:
    """Return the named scores of a method, from the metric's rows of all test samples (samples, columns)."""
    scores = score(metric, rows)
    return Baseline(
        set_name=set_name, method=method, samples=len(rows), scores={name: scores.get(name, 0.0) for name in names}
    )
