"""ROUGE of summaries (Lin 2004), as the package rouge-score computes it without stemming.

Words are runs of a-z and 0-9 in the lower-cased text, so ROUGE is of no use for other alphabets.
"""

import itertools
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from llmtrain_trainer.metrics.metric import Floats, Scores, weighted_means

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class Rouge:
    """F1 of summaries, as a mean over the samples: `rouge1` and `rouge2` of words and pairs, `rougeL` of the longest common
    subsequence."""

    @property
    def columns(self) -> int:
        """Common words, common pairs of words, length of the longest common subsequence; words of both texts."""
        return 5

    def rows(self, predictions: Sequence[str], references: Sequence[str]) -> Floats:
        """Return the rows of a batch, from the model's summaries and the ones that were written."""
        rows_BC = np.zeros((len(predictions), self.columns))
        for row, prediction, reference in zip(rows_BC, predictions, references, strict=True):
            a, b = _WORD.findall(prediction.lower()), _WORD.findall(reference.lower())
            pairs = _common(itertools.pairwise(a), itertools.pairwise(b))
            row[:] = _common(a, b), pairs, longest_common_subsequence(a, b), len(a), len(b)
        return rows_BC

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        words_S1 = table_SC[:, 3:].sum(axis=1, keepdims=True)
        # Two texts have two pairs of words less than words. Where one has no words, nothing is common.
        f1_SC = 2 * table_SC[:, :3] / np.maximum(words_S1 - [0, 2, 0], 1)
        return dict(zip(("rouge1", "rouge2", "rougeL"), weighted_means(f1_SC, weights_RS).T, strict=True))


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, by operations on the bits of integers (Hyyrö 2004)."""
    positions: Counter[str] = Counter()
    for number, word in enumerate(a):
        positions[word] |= 1 << number
    all_ones = (1 << len(a)) - 1
    unmatched = all_ones
    for word in b:
        matches = unmatched & positions[word]
        unmatched = ((unmatched + matches) | (unmatched - matches)) & all_ones
    return len(a) - unmatched.bit_count()


def _common(a: Iterable[Hashable], b: Iterable[Hashable]) -> int:
    return (Counter(a) & Counter(b)).total()
