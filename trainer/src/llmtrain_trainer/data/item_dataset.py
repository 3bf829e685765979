"""A dataset of item sequences: the items of each user in order of time, without the last one, which is held out.

Beside the files of every dataset it has `training.offsets.bin` (users + 1,) int64, and `counts.bin` (vocabulary,) int64: how
often each item occurs in training. User n has the training tokens from offset n up to offset n + 1, and the held-out token n.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, TRAINING_FILE, Tokens, open_dataset_file
from llmtrain_trainer.data.labelled_dataset import open_offsets, padded

COUNT = np.dtype("<i8")
COUNTS_FILE = "counts.bin"


def windows_of_users(offsets: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return how many windows of at most `length` inputs each sequence is cut into (users,)."""
    targets = np.maximum(np.diff(offsets) - 1, 0)
    windows: NDArray[np.int64] = -(-targets // length)
    return windows


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The training sequences, cut from their ends into windows of at most `length` inputs and the next item of each.

    The last token of a window is the first one of the next window, so each item but the first of a user is learned once.
    """

    tokens: Tokens
    offsets: NDArray[np.int64]
    """(users + 1,)"""
    last: NDArray[np.int64]
    """Windows of each user and those before (users,)."""
    length: int

    @classmethod
    def of(cls, tokens: Tokens, offsets: NDArray[np.int64], length: int) -> "Windows":
        """Return the windows of sequences."""
        return cls(tokens=tokens, offsets=offsets, last=np.cumsum(windows_of_users(offsets, length)), length=length)

    def __len__(self) -> int:
        return int(self.last[-1])

    def lengths(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the tokens of windows (B,)."""
        starts, ends = self._places(numbers)
        return ends - starts

    def batch(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the tokens of windows (B, M), padded to the length of the longest."""
        return padded([self.tokens[start:stop] for start, stop in zip(*self._places(numbers), strict=True)])

    def _places(self, numbers: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        indices = np.asarray(numbers, dtype=np.int64)
        users = np.searchsorted(self.last, indices, side="right")
        ends = self.offsets[users + 1] - (self.last[users] - 1 - indices) * self.length
        return np.maximum(self.offsets[users], ends - self.length - 1), ends


@dataclass(frozen=True, kw_only=True)
class ItemDataset:
    """An open dataset of item sequences. Its arrays are memory-mapped."""

    info: DatasetInfo
    tokens: Tokens
    """The items of all users to train on, (tokens,)."""
    offsets: NDArray[np.int64]
    """(users + 1,)"""
    held_out: Tokens
    """The last item of each user (users,)."""
    counts: NDArray[np.int64]
    """How often each item occurs in training (vocabulary,)."""
    directory: Path

    @classmethod
    def open(cls, data_directory: str, dataset: str) -> "ItemDataset":
        """Open a prepared dataset. BadInput if it does not exist or is incomplete."""
        directory, file = open_dataset_file(data_directory, dataset)
        return cls(
            info=file.info,
            tokens=np.memmap(directory / TRAINING_FILE, dtype=file.token_dtype, mode="r"),
            offsets=open_offsets(directory, TRAINING_FILE),
            held_out=np.memmap(directory / HELD_OUT_FILE, dtype=file.token_dtype, mode="r"),
            counts=np.memmap(directory / COUNTS_FILE, dtype=COUNT, mode="r"),
            directory=directory,
        )

    def history(self, user: int) -> Tokens:
        """Return the items of a user before the one that is held out."""
        return self.tokens[self.offsets[user] : self.offsets[user + 1]]
