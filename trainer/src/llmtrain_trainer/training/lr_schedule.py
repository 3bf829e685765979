"""The learning rate: a linear warm-up, then a cosine down to a tenth (Loshchilov & Hutter 2017)."""

import math

from llmtrain_api.job import Training

LOWEST = 0.1
"""Learning rate of the last step, as a part of the highest."""


def learning_rate(step: int, training: Training) -> float:
    """Return the learning rate of `step`, counted from 0."""
    highest, warmup = float(training.optimizer.learning_rate), training.warmup_steps
    if step < warmup:
        return highest * (step + 1) / warmup
    done = (step - warmup) / max(1, training.steps - 1 - warmup)
    return highest * (LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
