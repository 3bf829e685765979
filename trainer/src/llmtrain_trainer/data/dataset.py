"""A dataset directory: the tokens of both splits as flat arrays, their tokenizer, and `dataset.json` about them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from llmtrain_api.model import Model
from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.errors import BadInput

Tokens = NDArray[np.unsignedinteger]

DATASET_FILE = "dataset.json"
TRAINING_FILE, HELD_OUT_FILE = "training.bin", "held-out.bin"


class DatasetFile(Model):
    """The contents of `dataset.json`."""

    info: Annotated[DatasetInfo, Field(alias="facts")]
    """What the termination message says of the dataset; datasets that exist already have it as `facts`."""
    type: str
    """Type of one token in the .bin files: uint16 or uint32, little-endian."""
    files: int
    """Files of the source."""
    undecodable: int
    """Files left out because they are not UTF-8 text."""


def prepared_directory(data_directory: str, dataset: str) -> Path:
    """Return the directory of the dataset with this id on the data volume."""
    return Path(data_directory) / ".llmtrain" / "prepared" / dataset


def token_type(vocab_size: int) -> str:
    """Return the smallest integer type that holds every token: uint16 or uint32."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An open dataset. Its arrays (tokens,) are memory-mapped."""

    info: DatasetInfo
    training: Tokens
    held_out: Tokens
    directory: Path

    @classmethod
    def open(cls, data_directory: str, dataset: str) -> "Dataset":
        """Open a prepared dataset. BadInput if it does not exist."""
        directory = prepared_directory(data_directory, dataset)
        file = read_dataset_file(directory)
        if file is None:
            raise BadInput(f"dataset {dataset} is not prepared on the data volume; run the prepare stage again")
        token_dtype = np.dtype(file.type).newbyteorder("<")
        return cls(
            info=file.info,
            training=np.memmap(directory / TRAINING_FILE, dtype=token_dtype, mode="r"),
            held_out=np.memmap(directory / HELD_OUT_FILE, dtype=token_dtype, mode="r"),
            directory=directory,
        )


def read_dataset_file(directory: Path) -> DatasetFile | None:
    """Return the contents of `dataset.json`, or None if the directory holds no dataset."""
    try:
        return DatasetFile.model_validate_json((directory / DATASET_FILE).read_text(), extra="ignore")
    except FileNotFoundError:
        return None


def window_count(tokens: int, length: int) -> int:
    """Return how many windows of `length` inputs and one more target fit in `tokens` tokens."""
    return max(0, tokens - 1) // length


def read_windows(tokens: Tokens, indices: list[int], length: int) -> NDArray[np.int64]:
    """Return windows (len(indices), length + 1): `length` inputs, and one more token as the last target."""
    starts = [index * length for index in indices]
    return np.stack([tokens[start : start + length + 1].astype(np.int64) for start in starts])
