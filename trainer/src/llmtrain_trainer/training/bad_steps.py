"""Bad steps: steps whose loss or gradient norm is not finite. They change neither the weights nor the moments.

`spec.training.onBadStep` decides what follows. Skip continues with the data of the next step. Rollback restores the
newest checkpoint and repeats the steps since then with data that was not used before, as in the training of PaLM
(Chowdhery et al. 2022, section 5.1). Stop ends the job at once; the others end it after `spec.training.badSteps` bad
steps without a good one that gets as far.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, kw_only=True)
class BadStep:
    """A step that was not applied, the same on all ranks."""

    step: int
    """Steps done, this one included."""
    microbatch: int | None
    """The first microbatch, from 0, whose loss or gradients are not finite; None if only their sum is not."""
    loss: float
    """Training loss in nats per token, or the task's loss per sample."""
    gradient_norm: float

    @property
    def message(self) -> str:
        """Return what was not finite, and where."""
        what = "loss" if not math.isfinite(self.loss) else "gradient norm"
        figure = self.loss if what == "loss" else self.gradient_norm
        where = (
            "in the sum over the microbatches" if self.microbatch is None else f"from microbatch {self.microbatch} on"
        )
        return f"the {what} of step {self.step} is {figure} {where}"


@dataclass(frozen=True, kw_only=True)
class BadStepCounts:
    """The bad steps so far. They are part of the training state: the same on all ranks, and kept by checkpoints."""

    count: int = 0
    """Bad steps since training began."""
    consecutive: int = 0
    """Bad steps since the last good step that got as far as the farthest of them."""
    newest: int = 0
    """Steps done with the farthest bad step; 0 if there was none. After a rollback, others can be before it."""
    data_offset: int = 0
    """Steps whose data rollbacks have passed over: step n uses the data of step n + data_offset."""

    def after_good(self, step: int) -> "BadStepCounts":
        """Return the counts after a good step; `step` is the number of steps done with it."""
        return replace(self, consecutive=0) if self.consecutive and step >= self.newest else self

    def after_bad(self, step: int) -> "BadStepCounts":
        """Return the counts after a bad step; `step` is the number of steps done with it."""
        return replace(self, count=self.count + 1, consecutive=self.consecutive + 1, newest=max(self.newest, step))

    def after_rollback(self, step: int, restored_step: int) -> "BadStepCounts":
        """Return the counts after a rollback from `step` to `restored_step`: the data in between is not used again."""
        return replace(self, data_offset=self.data_offset + step - restored_step)

    def counters(self) -> dict[str, int]:
        """Return the counts by name, for a checkpoint or another rank."""
        return asdict(self)

    @classmethod
    def of(cls, counters: Mapping[str, int]) -> "BadStepCounts":
        """Return the counts with these names; a checkpoint of an earlier version has none of them."""
        return cls(**{name: counters[name] for name in asdict(cls()) if name in counters})
