"""A dataset directory: the tokens of both splits as flat arrays, their tokenizer, and `dataset.json` about them.

`dataset.json` is written last, with the sizes and digests of the other files. `problem_with` is the one question whether a
dataset is complete; whatever uses or replaces one asks it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from llmtrain_api.model import Model
from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.tokenizer import TOKENIZER_FILE
from llmtrain_trainer.data.written_files import WrittenFile, digest_of, size_of
from llmtrain_trainer.errors import BadInput

Tokens = NDArray[np.unsignedinteger]

DATASET_FILE = "dataset.json"
TRAINING_FILE, HELD_OUT_FILE = "training.bin", "held-out.bin"


class DatasetFile(Model):
    """The contents of `dataset.json`."""

    info: Annotated[DatasetInfo, Field(alias="facts")]
    """What the termination message says of the dataset; datasets that exist already have it as `facts`."""
    type: Literal["uint16", "uint32"]
    """Type of one token in the .bin files, little-endian."""
    files: int
    """Files of the source."""
    written: dict[str, WrittenFile] = Field(default_factory=dict)
    """Size and digest of each other file of the directory, by name; empty in a dataset of an earlier version."""

    @property
    def token_dtype(self) -> "np.dtype[np.unsignedinteger]":
        """Type of one token."""
        return np.dtype(self.type).newbyteorder("<")

    def sizes(self) -> dict[str, int]:
        """Return the bytes that each file has to have, by name."""
        if self.written:
            return {name: file.size for name, file in self.written.items()}
        width = self.token_dtype.itemsize
        return {TRAINING_FILE: self.info.tokens * width, HELD_OUT_FILE: self.info.held_out_tokens * width}


def prepared_root(data_directory: str) -> Path:
    """Return the directory of all datasets on the data volume."""
    return Path(data_directory) / ".llmtrain" / "prepared"


def prepared_directory(data_directory: str, dataset: str) -> Path:
    """Return the directory of the dataset with this id on the data volume."""
    return prepared_root(data_directory) / dataset


def token_type(vocab_size: int) -> Literal["uint16", "uint32"]:
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
        """Open a prepared dataset. BadInput if it does not exist or is incomplete."""
        directory = prepared_directory(data_directory, dataset)
        file = read_dataset_file(directory)
        if file is None:
            raise BadInput(f"dataset {dataset} is not prepared on the data volume; run the prepare stage again")
        if (problem := problem_with(directory, file)) is not None:
            raise BadInput(
                f"dataset {dataset} on the data volume is not complete: {problem}; create the job again, which prepares "
                "the text again"
            )
        return cls(
            info=file.info,
            training=np.memmap(directory / TRAINING_FILE, dtype=file.token_dtype, mode="r"),
            held_out=np.memmap(directory / HELD_OUT_FILE, dtype=file.token_dtype, mode="r"),
            directory=directory,
        )


def read_dataset_file(directory: Path) -> DatasetFile | None:
    """Return the contents of `dataset.json`, or None if the directory holds no dataset or an unreadable description."""
    try:
        return DatasetFile.model_validate_json((directory / DATASET_FILE).read_text(), extra="ignore")
    except (FileNotFoundError, NotADirectoryError, ValidationError, UnicodeDecodeError):
        return None


def problem_with(directory: Path, file: DatasetFile, *, digests: bool = False) -> str | None:
    """Return why a dataset is not complete, None if it is: each file has its size, and its digest if `digests` is set."""
    if file.info.id != directory.name:
        return f"{DATASET_FILE} describes dataset {file.info.id}"
    width = file.token_dtype.itemsize
    for name, tokens in ((TRAINING_FILE, file.info.tokens), (HELD_OUT_FILE, file.info.held_out_tokens)):
        if (size := file.sizes().get(name)) != tokens * width:
            return f"{DATASET_FILE} says that {name} has {size} bytes, and {tokens} tokens of {width} bytes"
    for name, size in file.sizes().items():
        found = size_of(directory / name)
        if found != size:
            return f"{name} {f'has {found} bytes' if found >= 0 else 'is missing'} of {size}"
    if size_of(directory / TOKENIZER_FILE) < 0:
        return f"{TOKENIZER_FILE} is missing"
    for name, written in file.written.items() if digests else ():
        if digest_of(directory / name) != written:
            return f"{name} was changed after it was written"
    return None


def window_count(tokens: int, length: int) -> int:
    """Return how many windows of `length` inputs and one more target fit in `tokens` tokens."""
    return max(0, tokens - 1) // length


def require_windows(tokens: int, held_out_tokens: int, context_length: int) -> None:
    """BadInput if a split is shorter than one window."""
    for name, count, change in (("training", tokens, "lower"), ("held-out", held_out_tokens, "raise")):
        if window_count(count, context_length) == 0:
            raise BadInput(
                f"spec.data.source: the {name} text is only {count} tokens long, shorter than a window of "
                f"{context_length} tokens; add text, {change} spec.data.heldOutPercent, or lower spec.model.contextLength"
            )


def read_windows(tokens: Tokens, indices: list[int], length: int) -> NDArray[np.int64]:
    """Return windows (len(indices), length + 1): `length` inputs, and one more token as the last target."""
    starts = [index * length for index in indices]
    return np.stack([tokens[start : start + length + 1].astype(np.int64) for start in starts])
