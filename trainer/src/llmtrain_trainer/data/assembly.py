"""The dataset directory from tokenized shards: their tokens one after another, and the description written last."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.atomic_directory import atomic_directory, fsync_directory
from llmtrain_trainer.data.dataset import DATASET_FILE, HELD_OUT_FILE, TRAINING_FILE, DatasetFile, token_type
from llmtrain_trainer.data.progress import Phase
from llmtrain_trainer.data.report import REPORT_FILE, DataReport
from llmtrain_trainer.data.shards import TokenizedShard, TokenizeTask
from llmtrain_trainer.data.split import HELD_OUT, TRAINING
from llmtrain_trainer.data.tokenizer import load_tokenizer, save_tokenizer
from llmtrain_trainer.data.unigram import unigram_loss
from llmtrain_trainer.data.written_files import WrittenFile, digest_of, write_model
from llmtrain_trainer.errors import TrainerError

BLOCK_BYTES = 2**22
"""Bytes of tokens that are copied at once."""


@dataclass(frozen=True, kw_only=True)
class TokenizedSource:
    """All shards of a source, in order."""

    tasks: Sequence[TokenizeTask]
    results: Sequence[TokenizedShard]
    vocab_size: int

    @property
    def token_dtype(self) -> "np.dtype[np.unsignedinteger]":
        """Type of one token."""
        return np.dtype(self.tasks[0].token_dtype)

    def tokens(self) -> tuple[int, int]:
        """Return the number of tokens for training, and of those held out."""
        width = self.token_dtype.itemsize
        training = sum(result.training.size for result in self.results)
        return training // width, sum(result.held_out.size for result in self.results) // width


def assemble(
    source: TokenizedSource, *, dataset: str, directory: Path, replace: bool, report: DataReport, phase: Phase
) -> DatasetFile:
    """Write the dataset directory; `replace` an incomplete one. TrainerError if a shard is damaged."""
    tokens, held_out_tokens = source.tokens()
    with atomic_directory(directory, replace=replace) as unfinished:
        training_counts = _join(source, TRAINING, unfinished / TRAINING_FILE, phase)
        held_out_counts = _join(source, HELD_OUT, unfinished / HELD_OUT_FILE, phase)
        save_tokenizer(load_tokenizer(source.tasks[0].directory), unfinished)
        write_model(report, unfinished / REPORT_FILE)
        fsync_directory(unfinished)
        info = DatasetInfo(
            id=dataset,
            tokens=tokens,
            held_out_tokens=held_out_tokens,
            vocab_size=source.vocab_size,
            unigram_loss=unigram_loss(training_counts, held_out_counts),
        )
        file = DatasetFile(
            info=info,
            type=token_type(source.vocab_size),
            files=report.files,
            written={path.name: digest_of(path) for path in sorted(unfinished.iterdir())},
        )
        write_model(file, unfinished / DATASET_FILE)
    return file


def _join(source: TokenizedSource, fate: int, path: Path, phase: Phase) -> NDArray[np.int64]:
    """Write the tokens of all shards to `path`; return how often each token occurs (vocab_size,)."""
    counts = np.zeros(source.vocab_size, dtype=np.int64)
    with path.open("wb") as joined:
        for task, result in zip(source.tasks, source.results, strict=True):
            expected = result.held_out if fate == HELD_OUT else result.training
            if _copy(task.tokens_file(fate), joined, counts, source.token_dtype) != expected:
                task.result_file.unlink(missing_ok=True)
                raise TrainerError(f"{task.tokens_file(fate)} was changed after it was written; it is prepared again")
            phase.done += expected.size
    return counts


def _copy(
    path: Path, joined: IO[bytes], counts: NDArray[np.int64], dtype: "np.dtype[np.unsignedinteger]"
) -> WrittenFile:
    digest, size = hashlib.blake2b(digest_size=16), 0
    with path.open("rb") as shard:
        while block := shard.read(BLOCK_BYTES):
            joined.write(block)
            digest.update(block)
            size += len(block)
            tokens = np.frombuffer(block, dtype=dtype) if len(block) % dtype.itemsize == 0 else np.zeros(0, dtype)
            counts += np.bincount(tokens, minlength=len(counts))[: len(counts)]
    return WrittenFile(size=size, digest=digest.hexdigest())
