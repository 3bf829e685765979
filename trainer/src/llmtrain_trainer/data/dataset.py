"""A dataset directory: the tokens of both splits as flat arrays, their tokenizer, and `dataset.json` about them.

`dataset.json` is written last, with the sizes and digests of the other files. `problem_with` is the one question whether a
dataset is complete; whatever uses or replaces one asks it.
"""

from collections.abc import Sequence
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
TokenType = Literal["uint16", "uint32"]

DATASET_FILE = "dataset.json"
TRAINING_FILE, HELD_OUT_FILE = "training.bin", "held-out.bin"


class PreparedSource(Model):
    """One of several sources of a dataset, which has the tokens and samples of each one after another."""

    name: str
    """Its path below `data.source.path`, the key in `data.mixture`."""
    tokens: int
    """Tokens to train on."""
    held_out_tokens: int
    samples: int = 0
    """Records to train on, or windows of questions; 0 for text."""
    held_out_samples: int = 0

    def __str__(self) -> str:
        counts = (self.samples, self.held_out_samples) if self.samples else (self.tokens, self.held_out_tokens)
        return (
            f"{self.name} has {counts[0]} {'samples' if self.samples else 'tokens'} to train on, {counts[1]} held out"
        )


class DatasetFile(Model):
    """The contents of `dataset.json`."""

    info: Annotated[DatasetInfo, Field(alias="facts")]
    """What the termination message says of the dataset; datasets that exist already have it as `facts`."""
    type: TokenType
    """Type of one token in the .bin files, little-endian."""
    files: int
    """Files of the source."""
    written: dict[str, WrittenFile] = Field(default_factory=dict)
    """Size and digest of each other file of the directory, by name; empty in a dataset of an earlier version."""
    labels: list[str] = Field(default_factory=list)
    """The classes of records in the order of their numbers; empty for text, and if labels are numbers."""
    label_mean: float = 0.0
    """The mean of the labels to train on, if labels are numbers."""
    label_deviation: float = 1.0
    """Their standard deviation."""
    unanswerable: bool = False
    """Whether there are questions without an answer to train on."""
    training_counts: list[int] = Field(default_factory=list)
    """Records, or words, to train on with each label."""
    held_out_counts: list[int] = Field(default_factory=list)
    """Held-out records, or words, with each label."""
    sources: list[PreparedSource] = Field(default_factory=list)
    """The sources of a mixture; empty if there is none."""

    @property
    def token_dtype(self) -> "np.dtype[np.unsignedinteger]":
        """Type of one token."""
        return np.dtype(self.type).newbyteorder("<")

    @property
    def missing_classes(self) -> list[tuple[str, str]]:
        """Each label that the records of a part lack, so that its scores say nothing, and the name of the part."""
        parts = (("training", self.training_counts), ("heldOut", self.held_out_counts))
        return [
            (label, part)
            for part, counts in parts
            for label, count in zip(self.labels, counts, strict=True)
            if count == 0
        ]

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


def token_type(vocab_size: int) -> TokenType:
    """Return the smallest integer type that holds every token: uint16 or uint32."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An open dataset. Its arrays (tokens,) are memory-mapped."""

    info: DatasetInfo
    training: Tokens
    held_out: Tokens
    directory: Path
    sources: tuple[PreparedSource, ...] = ()
    """Those of a mixture, in order."""

    @classmethod
    def open(cls, data_directory: str, dataset: str) -> "Dataset":
        """Open a prepared dataset. BadInput if it does not exist or is incomplete."""
        directory, file = open_dataset_file(data_directory, dataset)
        return cls(
            info=file.info,
            training=np.memmap(directory / TRAINING_FILE, dtype=file.token_dtype, mode="r"),
            held_out=np.memmap(directory / HELD_OUT_FILE, dtype=file.token_dtype, mode="r"),
            directory=directory,
            sources=tuple(file.sources),
        )


def open_dataset_file(data_directory: str, dataset: str) -> tuple[Path, DatasetFile]:
    """Return the directory and the description of a prepared dataset. BadInput if it does not exist or is incomplete."""
    directory = prepared_directory(data_directory, dataset)
    file = read_dataset_file(directory)
    if file is None:
        raise BadInput(f"dataset {dataset} is not prepared on the data volume; run the prepare stage again")
    if (problem := problem_with(directory, file)) is not None:
        raise BadInput(
            f"dataset {dataset} on the data volume is not complete: {problem}; create the job again, which prepares the text again"
        )
    return directory, file


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


BLOCK_TOKENS = 2**24
"""Tokens that are counted at once."""


def window_count(tokens: int, length: int) -> int:
    """Return how many windows of `length` inputs and one more target fit in `tokens` tokens."""
    return max(0, tokens - 1) // length


def require_windows(tokens: int, held_out_tokens: int, length: int, length_field: str | None) -> None:
    """BadInput if a split is shorter than one window of `length` tokens, which is set by `length_field`, if by any."""
    for name, count, change in (("training", tokens, "lower"), ("held-out", held_out_tokens, "raise")):
        if window_count(count, length) == 0:
            remedies = f"{change} spec.data.heldOutPercent" + (f", or lower {length_field}" if length_field else "")
            raise BadInput(
                f"spec.data.source: the {name} text is only {count} tokens long, shorter than a window of "
                f"{length} tokens; add text{', ' if length_field else ' or '}{remedies}"
            )


def require_windows_of_each(sources: Sequence[PreparedSource], length: int, length_field: str | None) -> None:
    """BadInput if a source of a mixture has no window of `length` tokens to train on, which is set by `length_field`, if by any."""
    for source in sources:
        if window_count(source.tokens, length) == 0:
            raise BadInput(
                f"spec.data.mixture: '{source.name}' has only {source.tokens} tokens to train on, shorter than a window of {length} "
                f"tokens; add text to it{f', lower {length_field},' if length_field else ''} or remove the key"
            )


def require_samples_of_each(sources: Sequence[PreparedSource]) -> None:
    """BadInput if a source of a mixture has no sample to train on."""
    for source in sources:
        if not source.samples:
            raise BadInput(
                f"spec.data.mixture: '{source.name}' has no record to train on whose text is not held out or in a source before it; "
                "add records to it, or remove the key"
            )


def read_windows(tokens: Tokens, indices: list[int], length: int) -> NDArray[np.int64]:
    """Return windows (len(indices), length + 1): `length` inputs, and one more token as the last target."""
    starts = [index * length for index in indices]
    return np.stack([tokens[start : start + length + 1].astype(np.int64) for start in starts])
