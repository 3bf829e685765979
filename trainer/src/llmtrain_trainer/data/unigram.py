"""The unigram baseline: the loss of a model that knows only how often each token occurs.

A language model that has learned anything has a lower held-out loss than this one.
"""

import numpy as np
from numpy.typing import NDArray


def unigram_loss(training_counts: NDArray[np.int64], held_out_counts: NDArray[np.int64]) -> float:
    """Return the held-out loss in nats per token, from how often each token occurs in both texts (vocab_size,).

    Probabilities are the frequencies in the training text with add-one smoothing (Laplace), so a token that occurs in the
    held-out text alone has a finite loss. The result is the mean over the held-out text, which must have a token.
    """
    # One count is added to each token, so that none has the probability 0.
    smoothed = training_counts + 1.0
    log_probabilities = np.log(smoothed / smoothed.sum())
    loss = -(held_out_counts @ log_probabilities) / held_out_counts.sum()
    return float(loss)
