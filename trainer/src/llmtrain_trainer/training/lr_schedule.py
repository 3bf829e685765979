"""The learning rate: a linear warm-up, then one of several schedules.

cosine    along a cosine down to a tenth (Loshchilov & Hutter 2017)
linear    along a line to 0 (Defazio et al. 2023)
constant  the peak to the end
wsd       warm-up, stable, decay (Hu et al. 2024): the peak, then to 0 as 1 - sqrt over the last fifth of the steps (Hägele et
          al. 2024)
"""

import math
from collections.abc import Callable, Mapping

from llmtrain_api.job import Training

FINAL_FRACTION = 0.1
"""Learning rate of the last step of cosine, as a fraction of the peak."""
DECAY_DIVISOR = 5
"""One of so many steps of wsd, rounded up, is of the decay, which does not begin before the end of the warm-up."""


def warmup_steps(training: Training) -> int:
    """Return the steps of the warm-up: half of the training if the configured ones would not end within it.

    That concerns the default alone: the rules of a job refuse other warm-ups that are too long.
    """
    return training.warmup_steps if training.warmup_steps < training.total_steps else training.total_steps // 2


def learning_rate(step: int, training: Training) -> float:
    """Return the learning rate of `step`, counted from 0."""
    peak, warmup = float(training.optimizer.learning_rate), warmup_steps(training)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * SCHEDULES[training.schedule](step - warmup, training.total_steps - warmup)


def _cosine(step: int, steps: int) -> float:
    progress = step / max(1, steps - 1)
    return FINAL_FRACTION + (1 - FINAL_FRACTION) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _linear(step: int, steps: int) -> float:
    return max(0.0, (steps - step) / steps)


def _constant(step: int, steps: int) -> float:
    return 1.0


def _stable_then_decay(step: int, steps: int) -> float:
    decay = -(-steps // DECAY_DIVISOR)
    return 1 - math.sqrt(min(1.0, max(0, step - (steps - decay)) / decay))


SCHEDULES: Mapping[str, Callable[[int, int], float]] = {
    "cosine": _cosine,
    "linear": _linear,
    "constant": _constant,
    "wsd": _stable_then_decay,
}
"""By name: from a step after the warm-up, counted from 0, and the number of such steps, to a fraction of the peak."""
