"""Words and their neighbours in windows of running text, drawn by key, for skip-gram with negative sampling.

Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.dataset import BLOCK_TOKENS

WINDOW_TOKENS = 256
"""Words of running text that are read together; words at its ends have fewer neighbours."""
SUBSAMPLING = 1e-4
"""Words above this frequency are left out at random, as in word2vec."""
NOISE_POWER = 0.75
"""Negatives are drawn by the frequency of a word to this power."""


@dataclass(frozen=True, kw_only=True)
class WordFrequencies:
    """How often each word is kept, and how often it is drawn as a negative. Token 0 is no word, and never is."""

    kept: NDArray[np.float64]
    """The probability that an occurrence is kept (vocabulary,)."""
    drawn: NDArray[np.float64]
    """The probability that a negative is this word or one before (vocabulary,)."""

    @classmethod
    def of(cls, tokens: NDArray[np.unsignedinteger], vocab_size: int) -> "WordFrequencies":
        """Count the words of the training text."""
        counts_V = np.zeros(vocab_size, dtype=np.int64)
        for start in range(0, len(tokens), BLOCK_TOKENS):
            counts_V += np.bincount(tokens[start : start + BLOCK_TOKENS], minlength=vocab_size)
        counts_V[0] = 0
        # A word of the vocabulary may stand in held-out text alone.
        shares_V = np.maximum(counts_V, 1) / max(1, counts_V.sum()) / SUBSAMPLING
        kept = np.minimum(1.0, (np.sqrt(shares_V) + 1) / shares_V)
        kept[0] = 0.0
        drawn = np.cumsum(counts_V**NOISE_POWER)
        return cls(kept=kept, drawn=drawn / drawn[-1])

    def negatives(self, draws_K: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return a word for each number in [0, 1)."""
        return np.searchsorted(self.drawn, draws_K, side="right")


def kept_words(
    tokens_BM: NDArray[np.int64], draws_BM: NDArray[np.float64], kept_V: NDArray[np.float64], gap: int
) -> NDArray[np.int64]:
    """Return the words of windows that are kept, one window after another with `gap` zeros between them (words,)."""
    kept_BM = draws_BM < kept_V[tokens_BM]
    return np.concatenate(
        [np.append(row[kept], np.zeros(gap, np.int64)) for row, kept in zip(tokens_BM, kept_BM, strict=True)]
    )
