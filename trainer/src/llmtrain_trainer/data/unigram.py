"""The yardstick of every language model: the loss of one that knows only how often each token occurs."""

import numpy as np
from numpy.typing import NDArray


def unigram_loss(
    training: NDArray[np.unsignedinteger], held_out: NDArray[np.unsignedinteger], vocab_size: int
) -> float:
    """Return the held-out loss in nats a token; frequencies come from `training` with add-one smoothing."""
    counts = np.bincount(training, minlength=vocab_size) + 1.0
    log_probabilities = np.log(counts / counts.sum())
    return float(-log_probabilities[held_out].mean())
