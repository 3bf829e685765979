"""A dataset folder: tokens of two splits as flat arrays, the tokenizer that made them, and facts about them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.model import Model
from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.errors import BadInput

Tokens = NDArray[np.unsignedinteger]

FACTS_FILE = "dataset.json"
TRAINING_FILE, HELD_OUT_FILE = "training.bin", "held-out.bin"


class DatasetFile(Model):
    """What `dataset.json` holds."""

    facts: DatasetInfo
    type: str
    """Type of one token in the .bin files: uint16 or uint32, little-endian."""
    files: int
    undecodable: int


def prepared_folder(data_directory: str, dataset: str) -> Path:
    """Return where a dataset is kept on its volume."""
    return Path(data_directory) / ".llmtrain" / "prepared" / dataset


def token_type(vocab_size: int) -> str:
    """Return the smallest type that holds every token."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An open dataset. The arrays are mapped, not read: (tokens,)."""

    facts: DatasetInfo
    training: Tokens
    held_out: Tokens
    folder: Path

    @classmethod
    def open(cls, data_directory: str, dataset: str) -> "Dataset":
        """Open a prepared dataset; BadInput if it isn't there."""
        folder = prepared_folder(data_directory, dataset)
        file = read_dataset_file(folder)
        if file is None:
            raise BadInput(f"dataset {dataset} is not prepared on the data volume; run the prepare stage again")
        kind = np.dtype(file.type).newbyteorder("<")
        return cls(
            facts=file.facts,
            training=np.memmap(folder / TRAINING_FILE, dtype=kind, mode="r"),
            held_out=np.memmap(folder / HELD_OUT_FILE, dtype=kind, mode="r"),
            folder=folder,
        )


def read_dataset_file(folder: Path) -> DatasetFile | None:
    """Return the facts kept in a dataset folder, or None if there is none."""
    try:
        return DatasetFile.model_validate_json((folder / FACTS_FILE).read_text())
    except FileNotFoundError:
        return None


def window_count(tokens: int, length: int) -> int:
    """Return how many windows of `length` inputs, each with its next token, fit in `tokens`."""
    return max(0, tokens - 1) // length


def read_windows(tokens: Tokens, indices: list[int], length: int) -> NDArray[np.int64]:
    """Return windows (len(indices), length + 1): inputs, and one more token so that each has its next."""
    starts = [index * length for index in indices]
    return np.stack([tokens[start : start + length + 1].astype(np.int64) for start in starts])
