"""The learning rate: a linear warm-up, then a cosine down to a tenth (Loshchilov & Hutter 2017)."""

import math

from llmtrain_api.job import Training

FINAL_FRACTION = 0.1
"""Learning rate of the last step, as a fraction of the peak."""


def warmup_steps(training: Training) -> int:
    """Return the steps of the warm-up: half of the training if the configured ones would not end within it.

    That concerns the default alone: the rules of a job refuse other warm-ups that are too long.
    """
    return training.warmup_steps if training.warmup_steps < training.steps else training.steps // 2


def learning_rate(step: int, training: Training) -> float:
    """Return the learning rate of `step`, counted from 0."""
    peak, warmup = float(training.optimizer.learning_rate), warmup_steps(training)
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, training.steps - 1 - warmup)
    return peak * (FINAL_FRACTION + (1 - FINAL_FRACTION) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
