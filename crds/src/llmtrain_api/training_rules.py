"""Rules about the numbers of a training: bounds of those that are decimal strings, and numbers that contradict each other.

Whole numbers have their bounds in the schema. CEL and Python read a decimal string as the same 64-bit float, as the
trainer does: "1e400" is infinite (an error in CEL, which refuses the job too), and "1e-400" is 0.
"""

import re
from dataclasses import dataclass

from llmtrain_api.defaults import value_at
from llmtrain_api.job import JobSpec, Optimizer, Training
from llmtrain_api.model_sizes import heads_are_shared_evenly, size_cel, sizes_of, width_is_shared_evenly
from llmtrain_api.rule import Rule

ZERO = r"^[0.]+([eE]|$)"
"""Matches a decimal string whose value is exactly 0, unlike one that is too small for a float."""


@dataclass(frozen=True, kw_only=True)
class DecimalBound:
    """The values that a decimal string can have."""

    field: str
    """Path below spec."""
    low: str
    """Smallest value."""
    high: str
    """Largest value."""
    below_high: bool = False
    """Whether `high` itself is refused."""
    or_zero: bool = False
    """Whether 0 is accepted below `low`, because it turns something off."""
    message: str
    """What the bounds are, why, and the remedy; follows the path of the field."""

    def accepts(self, text: str) -> bool:
        """Return whether a value is within the bounds."""
        value, high = float(text), float(self.high)
        if self.or_zero and re.match(ZERO, text):
            return True
        return float(self.low) <= value and (value < high if self.below_high else value <= high)

    @property
    def cel(self) -> str:
        """Return the CEL expression over the parent of the field."""
        text = f"self.{self.field.rpartition('.')[2]}"
        within = f"double({text}) >= {_double(self.low)} && double({text}) {'<' if self.below_high else '<='} {_double(self.high)}"
        return f"{text}.matches('{ZERO}') || ({within})" if self.or_zero else within

    @property
    def rule(self) -> Rule:
        """Return the rule that refuses other values."""
        path = f"spec.{self.field}"
        return Rule(
            path=path.rpartition(".")[0],
            field=path,
            cel=self.cel,
            message=f"{path} {self.message}",
            violated=lambda name, spec: not self.accepts(value_at(spec, self.field)),
        )


DECIMAL_BOUNDS: tuple[DecimalBound, ...] = (
    DecimalBound(
        field="training.optimizer.learningRate",
        low="1e-10",
        high="1",
        message="must be from 1e-10 to 1, because AdamW changes each weight by about the learning rate in a step: less is "
        "rounded away, and more leaves nothing of the initial weights; use a value such as 3e-4",
    ),
    DecimalBound(
        field="training.optimizer.weightDecay",
        low="0",
        high="100",
        message="must be from 0 to 100; use a value such as 0.1, or 0 for none",
    ),
    DecimalBound(
        field="training.optimizer.beta1",
        low="0",
        high="1",
        below_high=True,
        message="must be at least 0 and less than 1, because it is the decay rate of a moving average; use a value such as 0.9",
    ),
    DecimalBound(
        field="training.optimizer.beta2",
        low="0",
        high="1",
        below_high=True,
        message="must be at least 0 and less than 1, because it is the decay rate of a moving average; use a value such as 0.95",
    ),
    DecimalBound(
        field="training.clipNorm",
        low="0.001",
        high="1e30",
        or_zero=True,
        message="must be 0, which turns clipping off, or from 0.001 to 1e30, because AdamW's epsilon outweighs gradients that are "
        "clipped to less; use a value such as 1.0",
    ),
)
"""Bounds of the decimal strings of a job. `training.dropout` has them in its pattern."""

DEFAULT_BETA2: str = Optimizer.model_fields["beta2"].default
DEFAULT_WARMUP_STEPS: int = Training.model_fields["warmup_steps"].default


def _double(text: str) -> str:
    """Return a number as a literal of type double in CEL."""
    return text if {".", "e"} & set(text) else f"{text}.0"


def _is_gpt(spec: JobSpec) -> bool:
    return spec.model.name == "gpt" and spec.model.source is None


def decays_to_nothing(spec: JobSpec) -> bool:
    """Return whether one step of weight decay would take all of a weight, although both numbers are within bounds."""
    optimizer = spec.training.optimizer
    rate, decay = float(optimizer.learning_rate), float(optimizer.weight_decay)
    return rate <= 1.0 and decay <= 100.0 and rate * decay >= 1.0


TRAINING_RULES: tuple[Rule, ...] = (
    *(bound.rule for bound in DECIMAL_BOUNDS),
    Rule(
        path="spec.training.optimizer",
        field="spec.training.optimizer.weightDecay",
        cel="double(self.learningRate) > 1.0 || double(self.weightDecay) > 100.0 || "
        "double(self.learningRate) * double(self.weightDecay) < 1.0",
        message="spec.training.optimizer.weightDecay times learningRate must be less than 1, because that fraction of a weight is "
        "lost in each step; lower one of them",
        violated=lambda name, spec: decays_to_nothing(spec),
    ),
    Rule(
        path="spec.training.optimizer",
        field="spec.training.optimizer.beta2",
        cel=f"self.name != 'sgd' || self.beta2 == '{DEFAULT_BETA2}'",
        message="spec.training.optimizer.beta2 has no effect with optimizer sgd; remove it",
        violated=lambda name, spec: (
            spec.training.optimizer.name == "sgd" and spec.training.optimizer.beta2 != DEFAULT_BETA2
        ),
    ),
    Rule(
        path="spec.training",
        field="spec.training.steps",
        cel="has(self.steps) != has(self.epochs)",
        message="spec.training must have exactly one of steps and epochs; set one and remove the other",
        violated=lambda name, spec: (spec.training.steps is None) == (spec.training.epochs is None),
    ),
    Rule(
        path="spec.training",
        field="spec.training.warmupSteps",
        cel=f"!has(self.steps) || self.warmupSteps < self.steps || self.warmupSteps == {DEFAULT_WARMUP_STEPS}",
        message="spec.training.warmupSteps must be less than spec.training.steps, because the learning rate would not reach its "
        "peak in time; lower warmupSteps or raise steps",
        violated=lambda name, spec: (
            spec.training.steps is not None
            and spec.training.warmup_steps >= spec.training.steps
            and spec.training.warmup_steps != DEFAULT_WARMUP_STEPS
        ),
    ),
    Rule(
        path="spec.model",
        field="spec.model.kvHeads",
        cel=f"self.name != 'gpt' || has(self.from) || {size_cel('heads')} % {size_cel('kvHeads')} == 0",
        message="spec.model.heads must be a multiple of spec.model.kvHeads, of which the preset has its own if it is not set; change one of them",
        violated=lambda name, spec: _is_gpt(spec) and not heads_are_shared_evenly(sizes_of(spec.model)),
    ),
    Rule(
        path="spec.model",
        field="spec.model.width",
        cel=f"self.name != 'gpt' || has(self.from) || {size_cel('width')} % (2 * {size_cel('heads')}) == 0",
        message="spec.model.width must be a multiple of twice spec.model.heads, because rotary embeddings need heads of an even "
        "size; change one of them",
        violated=lambda name, spec: _is_gpt(spec) and not width_is_shared_evenly(sizes_of(spec.model)),
    ),
)
"""The rules in the order in which they are reported."""
