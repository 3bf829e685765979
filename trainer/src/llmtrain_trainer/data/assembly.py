"""The dataset directory from tokenized shards: their tokens one after another, and the description written last."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.atomic_directory import atomic_directory, fsync_directory
from llmtrain_trainer.data.dataset import (
    DATASET_FILE,
    HELD_OUT_FILE,
    TRAINING_FILE,
    DatasetFile,
    PreparedSource,
    TokenType,
)
from llmtrain_trainer.data.progress import Phase
from llmtrain_trainer.data.report import REPORT_FILE, DataReport
from llmtrain_trainer.data.shards import TokenizedShard, TokenizeTask
from llmtrain_trainer.data.split import HELD_OUT, TRAINING
from llmtrain_trainer.data.tokenizer import load_tokenizer, save_tokenizer
from llmtrain_trainer.data.unigram import unigram_loss
from llmtrain_trainer.data.written_files import WrittenFile, digest_of, write_model
from llmtrain_trainer.errors import TrainerError

ResultT = TypeVar("ResultT")

BLOCK_BYTES = 2**22
"""Bytes of tokens that are copied at once."""


class JoinedFile(NamedTuple):
    """A file of a shard that becomes a part of the dataset."""

    path: Path
    written: WrittenFile
    """What it has to be like."""
    result_file: Path
    """The description of its shard, which is removed if it is damaged, so that the shard is tokenized again."""


@dataclass(frozen=True, kw_only=True)
class TokenizedSource:
    """All shards of a source of text, in order."""

    tasks: Sequence[TokenizeTask]
    results: Sequence[TokenizedShard]
    vocab_size: int
    sources: tuple[str, ...] = ()
    """The names of the sources of a mixture."""

    @property
    def token_dtype(self) -> "np.dtype[np.unsignedinteger]":
        """Type of one token."""
        return np.dtype(self.tasks[0].token_dtype)

    @property
    def size(self) -> int:
        """Bytes to write."""
        return sum(self.tokens()) * self.token_dtype.itemsize

    def tokens(self, source_number: int | None = None) -> tuple[int, int]:
        """Return the number of tokens for training, and of those held out: of all shards, or of one source."""
        width = self.token_dtype.itemsize
        results = results_of(self.tasks, self.results, source_number)
        training = sum(result.training.size for result in results)
        return training // width, sum(result.held_out.size for result in results) // width

    @property
    def prepared_sources(self) -> list[PreparedSource]:
        """The tokens of each source of a mixture."""
        tokens = [self.tokens(number) for number in range(len(self.sources))]
        return [
            PreparedSource(name=name, tokens=training, held_out_tokens=held_out)
            for name, (training, held_out) in zip(self.sources, tokens, strict=True)
        ]

    def assemble(
        self, *, dataset: str, directory: Path, replace: bool, report: DataReport, phase: Phase
    ) -> DatasetFile:
        """Write the dataset directory; `replace` an incomplete one. TrainerError if a shard is damaged."""
        tokens, held_out_tokens = self.tokens()
        with dataset_writer(self.tasks[0].directory, directory, replace=replace, report=report) as writer:
            training_counts, held_out_counts = (
                join(self._files(fate), writer.directory / name, phase, dtype=self.token_dtype, values=self.vocab_size)
                for fate, name in ((TRAINING, TRAINING_FILE), (HELD_OUT, HELD_OUT_FILE))
            )
            info = DatasetInfo(
                id=dataset,
                tokens=tokens,
                held_out_tokens=held_out_tokens,
                vocab_size=self.vocab_size,
                unigram_loss=unigram_loss(training_counts, held_out_counts),
            )
            return writer.describe(info, self.tasks[0].token_dtype, sources=self.prepared_sources)

    def _files(self, fate: int) -> Iterator[JoinedFile]:
        for task, result in zip(self.tasks, self.results, strict=True):
            written = result.held_out if fate == HELD_OUT else result.training
            yield JoinedFile(task.tokens_file(fate), written, task.result_file)


def results_of(
    tasks: Sequence[TokenizeTask], results: Sequence[ResultT], source_number: int | None = None
) -> list[ResultT]:
    """Return the results of the shards of one source of a mixture; those of all shards if it is None."""
    return [
        result for task, result in zip(tasks, results, strict=True) if source_number in (None, task.shard.source_number)
    ]


@dataclass(frozen=True, kw_only=True)
class DatasetWriter:
    """A dataset directory whose description is not written yet."""

    directory: Path
    files: int
    """Files of the source."""

    def describe(self, info: DatasetInfo, token_dtype: TokenType, **more: Any) -> DatasetFile:
        """Write the description, with the type of a token and `more` fields; return it."""
        fsync_directory(self.directory)
        file = DatasetFile(
            info=info,
            type=token_dtype,
            files=self.files,
            written={path.name: digest_of(path) for path in sorted(self.directory.iterdir())},
            **more,
        )
        write_model(file, self.directory / DATASET_FILE)
        return file


@contextlib.contextmanager
def dataset_writer(workspace: Path, directory: Path, *, replace: bool, report: DataReport) -> Iterator[DatasetWriter]:
    """Yield the writer of a dataset, with tokenizer and report; the tokenizer is that in `workspace`.

    The directory is there once the block ends. `replace` an incomplete one.
    """
    with atomic_directory(directory, replace=replace) as unfinished:
        save_tokenizer(load_tokenizer(workspace), unfinished)
        write_model(report, unfinished / REPORT_FILE)
        yield DatasetWriter(directory=unfinished, files=report.files)


def join(
    files: Iterable[JoinedFile],
    path: Path,
    phase: Phase,
    *,
    dtype: "np.dtype[np.unsignedinteger] | None" = None,
    values: int = 0,
) -> NDArray[np.int64]:
    """Write files one after another to `path`; return how often each value of type `dtype` occurs (values,)."""
    counts = np.zeros(values, dtype=np.int64)
    with path.open("wb") as joined:
        for file in files:
            if _copy(file.path, joined, counts, dtype) != file.written:
                file.result_file.unlink(missing_ok=True)
                raise TrainerError(f"{file.path} was changed after it was written; it is prepared again")
            phase.done += file.written.size
    return counts


def _copy(
    path: Path, joined: IO[bytes], counts: NDArray[np.int64], dtype: "np.dtype[np.unsignedinteger] | None"
) -> WrittenFile:
    digest, size = hashlib.blake2b(digest_size=16), 0
    with path.open("rb") as shard:
        while block := shard.read(BLOCK_BYTES):
            joined.write(block)
            digest.update(block)
            size += len(block)
            if dtype is not None and len(block) % dtype.itemsize == 0:
                counts += np.bincount(np.frombuffer(block, dtype=dtype), minlength=len(counts))[: len(counts)]
    return WrittenFile(size=size, digest=digest.hexdigest())
