"""The best evaluation so far, and when the training ends because none is better any more (early stopping, Prechelt 1998).

Which evaluation is better is decided from numbers that are the same bits at any number of ranks, and the count of evaluations
without a better one is part of the training state. So a training ends at the same step whatever happens to its workers.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from llmtrain_api.job import Evaluation
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.metrics.metric import LOWER_IS_BETTER
from llmtrain_trainer.training.task import Judgement

PREFIX = "best_so_far."
"""Of the names of these counters in a checkpoint."""


def require_score(judgement: Judgement, evaluation: Evaluation) -> None:
    """BadInput if the held-out samples have no score with the name in `spec.evaluation.best`."""
    if evaluation.best != "loss" and evaluation.best not in judgement.scores:
        raise BadInput(
            f"spec.evaluation.best: the held-out samples have no {evaluation.best}, but "
            f"{', '.join(name for name in judgement.scores if '/' not in name) or 'a loss alone'}; name one of these, or loss"
        )


def ranking_value(judgement: Judgement, evaluation: Evaluation) -> float | None:
    """Return the value of `spec.evaluation.best`, negated if higher is better, so that the lowest is the best one.

    None if it is not finite, or the held-out data do not determine it.
    """
    name = evaluation.best
    value = judgement.loss if name == "loss" else judgement.scores.get(name, math.nan)
    if not math.isfinite(value):
        return None
    return value if name in LOWER_IS_BETTER else -value


@dataclass(frozen=True, kw_only=True)
class BestSoFar:
    """The evaluations so far. Part of the training state: the same on all ranks, and kept by checkpoints."""

    evaluated_step: int = 0
    """Steps done at the newest evaluation; 0 before the first one."""
    step: int = 0
    """Steps done at the best evaluation; 0 if none had a finite value."""
    value_bits: int = 0
    """The 64 bits of its ranking value, as a signed integer: counters are whole numbers."""
    without_better: int = 0
    """Evaluations since then."""

    @property
    def value(self) -> float:
        """Ranking value of the best evaluation; infinity if there is none."""
        return struct.unpack("<d", struct.pack("<q", self.value_bits))[0] if self.step else math.inf

    def after(self, step: int, value: float | None) -> "BestSoFar":
        """Return this with the evaluation after `step` steps. An evaluation that is repeated counts once."""
        if step <= self.evaluated_step:
            return self
        if value is None and not self.step:
            return replace(self, evaluated_step=step)  # there is no best one to be worse than
        if value is None or value >= self.value:
            return replace(self, evaluated_step=step, without_better=self.without_better + 1)
        bits = struct.unpack("<q", struct.pack("<d", value))[0]
        return BestSoFar(evaluated_step=step, step=step, value_bits=bits)

    def ends_training(self, evaluation: Evaluation) -> bool:
        """Return whether `spec.evaluation.stopAfter` ends the training here."""
        return evaluation.stop_after is not None and self.without_better >= evaluation.stop_after

    def counters(self) -> dict[str, int]:
        """Return the numbers by name, for a checkpoint or another rank."""
        return {f"{PREFIX}{name}": number for name, number in asdict(self).items()}

    @classmethod
    def of(cls, counters: Mapping[str, int]) -> "BestSoFar":
        """Return the numbers with these names; a checkpoint of an earlier version has none of them."""
        names = asdict(cls())
        return cls(**{name: counters[f"{PREFIX}{name}"] for name in names if f"{PREFIX}{name}" in counters})


def ending(step: int, steps: int, counters: Mapping[str, int], evaluation: Evaluation) -> str | None:
    """Return how a training with these counters ended after `step` of `steps` steps; None if it has not ended there."""
    best = BestSoFar.of(counters)
    if step == steps:
        return f"trained for {steps} steps" + (
            f", best at step {best.step}" if evaluation.stop_after and best.step else ""
        )
    if best.ends_training(evaluation):
        return f"stopped early at step {step} of {steps}, best at step {best.step}"
    return None
