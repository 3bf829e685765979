"""A dataset of labelled sequences: flat arrays of tokens and labels, and where each sample begins.

Beside the files of every dataset it has, for each split, `.offsets.bin` (samples + 1,) int64 and `.labels.bin`,
little-endian: (samples,) uint16, float64 if labels are numbers, or (tokens,) uint16 if words have tags, and (samples,
4) uint32 if they are answers. Sample n has the tokens from offset n up to offset n + 1. A dataset of questions has those that
are held out in QUESTIONS_FILE, and in CHARACTERS_FILE (tokens, 2) uint32 the characters of the context at which each of their
tokens begins and ends.

If labels are texts, a sample has the tokens of a text to read and then those of the one to write, and `.labels.bin` (samples,)
uint32 how many the first has. The held-out texts themselves are in PAIRS_FILE.

If held-out records are judged by columns, SLICES_FILE has a list of the values of each.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, TRAINING_FILE, PreparedSource, Tokens, open_dataset_file
from llmtrain_trainer.data.labelled_shards import CHARACTER
from llmtrain_trainer.data.labels import LABEL_TYPES, SPAN_COLUMNS, LabelKind, LabelSet
from llmtrain_trainer.data.questions import Question

OFFSET = np.dtype("<i8")
QUESTIONS_FILE, CHARACTERS_FILE = "held-out.questions.jsonl", "held-out.characters.bin"
PAIRS_FILE = "held-out.pairs.jsonl"
SLICES_FILE = "held-out.slices.jsonl"
SEARCHED = 2**22
"""Bytes of a file in which line ends are found at once."""
PADDING = 0
"""Token after the end of a sample that is shorter than others of its batch. Masks leave it out."""


def offsets_file(tokens_file: str) -> str:
    """Return the name of the file with the offsets of a split, from that of its tokens."""
    return tokens_file.replace(".bin", ".offsets.bin")


def open_offsets(directory: Path, tokens_file: str) -> NDArray[np.int64]:
    """Return where the samples of a split begin, and where the last one ends (samples + 1,), memory-mapped."""
    return np.memmap(directory / offsets_file(tokens_file), dtype=OFFSET, mode="r")


def labels_file(tokens_file: str) -> str:
    """Return the name of the file with the labels of a split, from that of its tokens."""
    return tokens_file.replace(".bin", ".labels.bin")


def read_slices(directory: Path) -> list[tuple[str, ...]]:
    """Return the values by which held-out records are judged: for each column those of all records, in order."""
    with (directory / SLICES_FILE).open(encoding="utf-8") as lines:
        return list(zip(*map(json.loads, lines), strict=True))


@dataclass(frozen=True, kw_only=True)
class HeldOutTexts:
    """The held-out documents with their labels, memory-mapped."""

    lines: NDArray[np.uint8]
    stops: NDArray[np.int64]
    """Where each line ends (documents,)."""

    @classmethod
    def read(cls, path: Path) -> "HeldOutTexts":
        """Open a file of JSON lines."""
        lines = np.memmap(path, dtype=np.uint8, mode="r")
        stops = [
            start + np.flatnonzero(lines[start : start + SEARCHED] == ord("\n"))
            for start in range(0, len(lines), SEARCHED)
        ]
        return cls(lines=lines, stops=np.concatenate(stops))

    def __len__(self) -> int:
        return len(self.stops)

    def document(self, number: int) -> tuple[str, str]:
        """Return a document and its label, by the order of the samples."""
        start = self.stops[number - 1] + 1 if number else 0
        text, label = json.loads(self.lines[start : self.stops[number]].tobytes())
        return text, label


@dataclass(frozen=True, kw_only=True)
class HeldOutQuestions(HeldOutTexts):
    """The questions whose windows are the held-out samples."""

    characters: NDArray[np.uint32]

    @classmethod
    def open(cls, directory: Path) -> "HeldOutQuestions":
        """Open those of the dataset in `directory`."""
        texts = HeldOutTexts.read(directory / QUESTIONS_FILE)
        characters = np.memmap(directory / CHARACTERS_FILE, dtype=CHARACTER, mode="r").reshape(-1, 2)
        return cls(lines=texts.lines, stops=texts.stops, characters=characters)

    def question(self, number: int) -> Question:
        """Return a question, by the order of the samples."""
        return Question.of(*self.document(number))

    def characters_of(self, offset: int, start: int, last: int) -> tuple[int, int]:
        """Return the characters of the context from one token to another, counted from `offset`, both included."""
        return int(self.characters[offset + start, 0]), int(self.characters[offset + last, 1])


@dataclass(frozen=True, kw_only=True)
class LabelledSamples:
    """The samples of one split, memory-mapped."""

    tokens: Tokens
    offsets: NDArray[np.int64]
    """(samples + 1,)"""
    labels: NDArray[np.uint16] | NDArray[np.float64] | NDArray[np.uint32]
    """(samples,), (tokens,) for tags, or (samples, 4) for answers"""
    held_out_questions: HeldOutQuestions | None = None

    @property
    def questions(self) -> HeldOutQuestions:
        """The questions of held-out answers."""
        assert self.held_out_questions is not None, "only a held-out part has questions"
        return self.held_out_questions

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def open(
        cls, directory: Path, tokens_file: str, token_dtype: "np.dtype[np.unsignedinteger]", kind: LabelKind = "class"
    ) -> "LabelledSamples":
        """Open a split of the dataset in `directory`, whose labels are of a `kind`."""
        labels = np.memmap(directory / labels_file(tokens_file), dtype=LABEL_TYPES[kind], mode="r")
        asked = kind == "span" and tokens_file == HELD_OUT_FILE
        return cls(
            tokens=np.memmap(directory / tokens_file, dtype=token_dtype, mode="r"),
            offsets=open_offsets(directory, tokens_file),
            labels=labels.reshape(-1, SPAN_COLUMNS) if kind == "span" else labels,
            held_out_questions=HeldOutQuestions.open(directory) if asked else None,
        )

    def lengths(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the lengths of samples (B,) in tokens."""
        indices = np.asarray(numbers, dtype=np.int64)
        return self.offsets[indices + 1] - self.offsets[indices]

    def batch(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the tokens of samples (B, L), padded to the length of the longest."""
        return padded(self.sequences(numbers))

    def sequences(self, numbers: Sequence[int]) -> list[Tokens]:
        """Return the tokens of each sample."""
        return [self.tokens[self.offsets[number] : self.offsets[number + 1]] for number in numbers]

    def token_labels(self, numbers: Sequence[int]) -> list[Tokens]:
        """Return the tags of the tokens of each sample."""
        tags = cast(Tokens, self.labels)
        return [tags[self.offsets[number] : self.offsets[number + 1]] for number in numbers]


def padded(sequences: Sequence[Tokens], padding: int = PADDING) -> NDArray[np.int64]:
    """Return sequences as one array (B, L), padded at their ends to the length of the longest."""
    batch = np.full((len(sequences), max(map(len, sequences))), padding, dtype=np.int64)
    for row, sequence in zip(batch, sequences, strict=True):
        row[: len(sequence)] = sequence
    return batch


@dataclass(frozen=True, kw_only=True)
class LabelledDataset:
    """An open dataset of labelled sequences."""

    info: DatasetInfo
    label_set: LabelSet
    training_counts: tuple[int, ...]
    """Training samples, or words, with each label; empty if labels are numbers."""
    training: LabelledSamples
    held_out: LabelledSamples
    directory: Path
    sources: tuple[PreparedSource, ...] = ()
    """Those of a mixture, in order."""

    @classmethod
    def open(cls, data_directory: str, dataset: str, kind: LabelKind) -> "LabelledDataset":
        """Open a prepared dataset whose labels are of a `kind`. BadInput if it does not exist or is incomplete."""
        directory, file = open_dataset_file(data_directory, dataset)
        return cls(
            info=file.info,
            label_set=LabelSet(
                names=tuple(file.labels),
                label_mean=file.label_mean,
                label_deviation=file.label_deviation,
                unanswerable=file.unanswerable,
            ),
            training_counts=tuple(file.training_counts),
            training=LabelledSamples.open(directory, TRAINING_FILE, file.token_dtype, kind),
            held_out=LabelledSamples.open(directory, HELD_OUT_FILE, file.token_dtype, kind),
            directory=directory,
            sources=tuple(file.sources),
        )
