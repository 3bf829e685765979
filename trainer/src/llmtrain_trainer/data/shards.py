"""Shards: parts of a source that are tokenized by themselves and, one after another, are the token files.

A shard is a unit of files, or a part of a large file. Its documents, and so its tokens, do not depend on the number of
processes. It is written beside the dataset to be, its description last, and is not tokenized again after a restart.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from llmtrain_api.model import Model
from llmtrain_trainer.data.bad_text import BadText, NotText, display_name
from llmtrain_trainer.data.cached_encoding import CachedEncoding
from llmtrain_trainer.data.dataset import TokenType
from llmtrain_trainer.data.documents import Piece, Start
from llmtrain_trainer.data.encoding import Encoding
from llmtrain_trainer.data.model_encoding import ModelEncoding
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.pieces import PIECE_CHARACTERS
from llmtrain_trainer.data.records import Layout, reader_of
from llmtrain_trainer.data.scan import Resume, UnitScan
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.split import CUT, HELD_OUT, LEFT_OUT, TRAINING
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, load_tokenizer
from llmtrain_trainer.data.written_files import WrittenFile, atomic_file, digest_of, read_model, size_of, write_model
from llmtrain_trainer.errors import TrainerError


class TextPart(NamedTuple):
    """Part of a document that belongs to one split."""

    text: str
    fate: int
    """TRAINING or HELD_OUT."""
    last: bool
    """Whether an end of text follows."""
    label: str = ""
    """The label of the record; empty if the document is none."""
    slices: tuple[str, ...] = ()
    """Its values in the columns by which held-out records are judged."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where a document is cut in two: the beginning is for training, the rest is held out."""

    document: int
    """Its number in the source."""
    size: int
    """Bytes of its beginning, in UTF-8."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A part of the source."""

    number: int
    files: Sequence[TextFile]
    """The files that can be used."""
    column: str
    first_document: int
    """Number of its first document in the source."""
    fates_file: Path
    """What happens to each document of the source: bytes, (documents,)."""
    first_point: Resume | None = None
    """Where it begins in its only file; None for the beginning."""
    end_offset: int | None = None
    """Where it ends in its only file; None for the end."""
    records: Layout | None = None
    """How the files hold records; None for documents."""
    cuts: tuple[Cut, ...] = ()
    """Of all documents of the source that are cut."""
    source_number: int = 0
    """The source of a mixture that it is a part of; -1 for records that are held out by name."""

    def pieces(self, piece_characters: int = PIECE_CHARACTERS) -> Iterator[tuple[int, int, Piece]]:
        """Yield each piece of text with the number of its document and how many bytes of that are before it."""
        document, position = self.first_document, self.first_point.size if self.first_point else 0
        start = Start(self.first_point.offset, self.first_point.line) if self.first_point else Start()
        for file in self.files:
            reader = reader_of(file, self.column, self.records, piece_characters)
            try:
                for piece in reader.read(start, self.end_offset):
                    if isinstance(piece, BadText):
                        continue
                    yield document, position, piece
                    position += len(piece.text.encode())
                    if piece.last:
                        document, position = document + 1, 0
            except NotText as error:
                raise TrainerError(f"'{display_name(file.name)}' changed while the text was read") from error

    def parts(self, piece_characters: int = PIECE_CHARACTERS) -> Iterator[TextPart]:
        """Yield the text of the shard that is trained on or held out, in order."""
        fates = np.memmap(self.fates_file, dtype=np.uint8, mode="r")
        for document, position, piece in self.pieces(piece_characters):
            fate = int(fates[document])
            if fate == CUT:
                yield from self._cut(document, piece.text, position, last=piece.last)
            elif fate != LEFT_OUT:
                yield TextPart(piece.text, fate, piece.last, piece.label, piece.slices)

    def _cut(self, document: int, text: str, position: int, *, last: bool) -> Iterator[TextPart]:
        """Yield a piece of a document that is cut; `position` is the number of bytes before it."""
        (cut,) = (each for each in self.cuts if each.document == document)
        encoded, size = text.encode(), cut.size - position
        if size > 0:
            yield TextPart(encoded[:size].decode(), TRAINING, size <= len(encoded))
        if size < len(encoded):
            yield TextPart(encoded[max(0, size) :].decode(), HELD_OUT, last)


class TokenizedShard(Model):
    """The description of a shard's tokens."""

    training: WrittenFile
    held_out: WrittenFile


@dataclass(frozen=True, kw_only=True)
class TokenizeTask:
    """A shard to tokenize with the tokenizer in `directory`, where its tokens are written as well."""

    shard: Shard
    directory: Path
    token_dtype: TokenType
    of_model: bool = False
    """Whether the tokenizer is that of a model, with special tokens around a text."""

    def tokens_file(self, fate: int) -> Path:
        """Return the file of the tokens for training or those held out."""
        return self.directory / f"shard-{self.shard.number:05}.{'held-out' if fate == HELD_OUT else 'training'}"

    @property
    def result_file(self) -> Path:
        """The description, written last."""
        return self.directory / f"shard-{self.shard.number:05}.json"


def plan_shards(
    units: Sequence[Sequence[TextFile]],
    scans: Sequence[UnitScan],
    *,
    column: str,
    fates_file: Path,
    records: Layout | None = None,
    cuts: tuple[Cut, ...] = (),
    source_numbers: Sequence[int] = (),
) -> list[Shard]:
    """Return the shards of all units, in order; `source_numbers` has the source of each unit in a mixture."""
    shards: list[Shard] = []
    first_document = 0
    for number, (files, scan) in enumerate(zip(units, scans, strict=True)):
        unusable = frozenset(scan.unusable)
        usable = [file for position, file in enumerate(files) if position not in unusable]
        points: list[Resume | None] = [None, *scan.resumes]
        ends = [*(point.offset for point in scan.resumes), None]
        for point, end_offset in zip(points, ends, strict=True):
            shards.append(
                Shard(
                    number=len(shards),
                    files=usable,
                    column=column,
                    first_document=first_document + (point.documents if point else 0),
                    fates_file=fates_file,
                    first_point=point,
                    end_offset=end_offset,
                    records=records,
                    cuts=cuts,
                    source_number=source_numbers[number] if source_numbers else 0,
                )
            )
        first_document += scan.documents
    return shards


def tokenize_shard(task: TokenizeTask) -> TokenizedShard:
    """Tokenize a shard unless its tokens exist."""
    before = read_model(TokenizedShard, task.result_file)
    if before is not None and _is_complete(task, before):
        return before
    encoding, separator = _encoding_of(task)
    end_of_text = np.array(separator, dtype=encoding.dtype).tobytes()
    with atomic_file(task.tokens_file(TRAINING)) as training, atomic_file(task.tokens_file(HELD_OUT)) as held_out:
        for part in task.shard.parts():
            file = held_out if part.fate == HELD_OUT else training
            file.write(encoding.encode(part.text))
            if part.last:
                file.write(end_of_text)
    result = TokenizedShard(
        training=digest_of(task.tokens_file(TRAINING)), held_out=digest_of(task.tokens_file(HELD_OUT))
    )
    write_model(result, task.result_file)
    return result


def _encoding_of(task: TokenizeTask) -> tuple[Encoding, tuple[int, ...]]:
    """Return what tokenizes a shard of running text, and the tokens after each document."""
    if task.of_model:
        of_model = shared_model_encoding(task.directory, task.token_dtype)
        return of_model, of_model.model.end_of_document
    return shared_encoding(task.directory, task.token_dtype), (END_OF_TEXT_ID,)


@functools.lru_cache(maxsize=1)
def shared_encoding(directory: Path, token_dtype: str) -> CachedEncoding:
    """Return what tokenizes all shards of a process: the library never frees the memory of a second tokenizer."""
    return CachedEncoding(tokenizer=load_tokenizer(directory), dtype=np.dtype(token_dtype))


@functools.lru_cache(maxsize=1)
def shared_model_encoding(directory: Path, token_dtype: str) -> ModelEncoding:
    """Return the same with the tokenizer of a model."""
    return ModelEncoding(model=ModelTokenizer.open(directory), dtype=np.dtype(token_dtype))


def _is_complete(task: TokenizeTask, result: TokenizedShard) -> bool:
    return (size_of(task.tokens_file(TRAINING)), size_of(task.tokens_file(HELD_OUT))) == (
        result.training.size,
        result.held_out.size,
    )
