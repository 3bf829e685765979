"""The unigram baseline: the loss of a model that knows only how often each token occurs.

A language model that has learned anything has a lower held-out loss than this one.
"""

import numpy as np
from numpy.typing import NDArray


def unigram_loss(
    training: NDArray[np.unsignedinteger], held_out: NDArray[np.unsignedinteger], vocab_size: int
) -> float:
    """Return the held-out loss in nats per token.

    Probabilities are the frequencies in `training` (tokens,) with add-one smoothing (Laplace); the loss is the mean
    over `held_out` (tokens,).
    """
    counts = np.bincount(training, minlength=vocab_size) + 1.0
    log_probabilities = np.log(counts / counts.sum())
    return float(-log_probabilities[held_out].mean())
