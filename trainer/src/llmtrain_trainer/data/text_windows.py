"""The training text of a dataset as windows of equal length, those of each source one after another.

A window has one more token than its length, the last target. The windows of a source have tokens of that source alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.dataset import Dataset, Tokens, window_count


@dataclass(frozen=True, kw_only=True)
class TextWindows:
    """The windows of a text."""

    tokens: Tokens
    """The training text, (tokens,)."""
    length: int
    """Inputs of a window."""
    source_tokens: Sequence[int] = ()
    """Tokens of each source, in order; empty if the text is one source."""

    @classmethod
    def of(cls, dataset: Dataset, length: int) -> "TextWindows":
        """Return the windows of a dataset."""
        return cls(tokens=dataset.training, length=length, source_tokens=[each.tokens for each in dataset.sources])

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of windows of each source."""
        return tuple(window_count(tokens, self.length) for tokens in self._tokens)

    def read(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return windows by their numbers (len(numbers), length + 1)."""
        windows = np.asarray(numbers, dtype=np.int64)
        first_windows = np.array([*accumulate(self.sizes, initial=0)])
        first_tokens = np.array([*accumulate(self._tokens, initial=0)])
        sources = np.searchsorted(first_windows, windows, side="right") - 1
        starts = first_tokens[sources] + (windows - first_windows[sources]) * self.length
        return np.stack([self.tokens[start : start + self.length + 1].astype(np.int64) for start in starts.tolist()])

    @property
    def _tokens(self) -> Sequence[int]:
        return self.source_tokens or (len(self.tokens),)
