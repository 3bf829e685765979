"""A dataset of pairs: labelled sequences whose label is a text to write, the target, from the one that is read, the source.

A sample is the tokens of both, one after the other, each with what its tokenizer puts at the end; see labelled_dataset.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import PreparedSource, Tokens
from llmtrain_trainer.data.labelled_dataset import PAIRS_FILE, HeldOutTexts, LabelledDataset, LabelledSamples


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The pairs of one split, memory-mapped."""

    samples: LabelledSamples

    def __len__(self) -> int:
        return len(self.samples)

    def lengths(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the lengths of pairs (B,) in tokens of both texts."""
        return self.samples.lengths(numbers)

    def sources(self, numbers: Sequence[int]) -> list[Tokens]:
        """Return the tokens of the text to read of each pair."""
        return [tokens[:length] for tokens, length in self._divided(numbers)]

    def targets(self, numbers: Sequence[int]) -> list[Tokens]:
        """Return the tokens of the text to write of each pair."""
        return [tokens[length:] for tokens, length in self._divided(numbers)]

    @property
    def target_tokens(self) -> int:
        """The tokens of all texts to write."""
        return int(self.samples.offsets[-1]) - int(self.samples.labels.sum(dtype=np.int64))

    @property
    def longest_target(self) -> int:
        """The tokens of the longest text to write."""
        return int((np.diff(self.samples.offsets) - self.samples.labels).max())

    def _divided(self, numbers: Sequence[int]) -> list[tuple[Tokens, int]]:
        """Return the tokens of each pair, and how many are of its source."""
        lengths = self.samples.labels[list(numbers)].tolist()
        return list(zip(self.samples.sequences(numbers), lengths, strict=True))


@dataclass(frozen=True, kw_only=True)
class PairDataset:
    """An open dataset of pairs."""

    info: DatasetInfo
    training: Pairs
    held_out: Pairs
    texts: HeldOutTexts
    """The held-out texts to read and to write, as they were in the records."""
    directory: Path
    sources: tuple[PreparedSource, ...] = ()
    """Those of a mixture, in order."""

    @classmethod
    def open(cls, data_directory: str, dataset: str) -> "PairDataset":
        """Open a prepared dataset. BadInput if it does not exist or is incomplete."""
        labelled = LabelledDataset.open(data_directory, dataset, "text")
        return cls(
            info=labelled.info,
            training=Pairs(samples=labelled.training),
            held_out=Pairs(samples=labelled.held_out),
            texts=HeldOutTexts.read(labelled.directory / PAIRS_FILE),
            directory=labelled.directory,
            sources=labelled.sources,
        )
