"""The documents of a file, in pieces of bounded size: plain text, JSONL or Parquet, compressed by gzip or not.

The name of a file chooses its format: `.jsonl` and `.ndjson` hold one document in each line, `.parquet` one in each row;
any other file is one document. `.gz` after that is decompressed. A reader yields the same pieces each time.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple, cast

from llmtrain_trainer.data.bad_text import BadText, NotText, display_name
from llmtrain_trainer.data.decoding import HEAD_BYTES, Encoding, detect, repair
from llmtrain_trainer.data.parquet import read_rows
from llmtrain_trainer.data.pieces import PIECE_CHARACTERS, cut_pieces
from llmtrain_trainer.data.source import TextFile, unreadable
from llmtrain_trainer.errors import TrainerError

LINE_ENDS = (".jsonl", ".ndjson")
MAX_LINE_CHARACTERS = 2**23
"""The longest line of a JSONL file; a longer one is bad text, so that memory has a bound."""

JSON = json.JSONDecoder(parse_int=float)
"""Python refuses to convert integers of more than 4300 digits, which are valid JSON."""


class Piece(NamedTuple):
    """A part of a document."""

    text: str
    last: bool
    """Whether the document ends here."""
    offset: int
    """Bytes of the file up to the end of this piece; for JSONL to the end of its line."""
    line: int
    """The line or row of the document, from 1; 0 in plain text."""


class Start(NamedTuple):
    """A place in a file where reading can begin: at the end of a piece."""

    offset: int = 0
    line: int = 0
    """Lines before it."""


BEGINNING = Start()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Reads documents of one file."""

    file: TextFile
    column: str
    """Name of the field of JSON objects, or of the column of Parquet files, that holds the text."""
    piece_characters: int = PIECE_CHARACTERS

    @property
    def random_access(self) -> bool:
        """Whether reading can begin at any piece."""
        return not self.file.name.lower().endswith((".gz", ".parquet"))

    def read(self, start: Start = BEGINNING, stop: int | None = None) -> Iterator[Piece | BadText]:
        """Yield the pieces from `start` up to the byte `stop`, and what is wrong with the next one before it.

        NotText if the file, or its rest, can't be used; BadInput if it may not be read or lacks the column.
        """
        try:
            if self.file.name.lower().endswith(".parquet"):
                yield from self._values(enumerate(read_rows(self.file, self.column), start=1))
            else:
                with self._open() as stream:
                    yield from self._read_stream(stream, start, stop)
        except PermissionError as error:
            raise unreadable(self.file.name, error) from error
        except FileNotFoundError as error:
            raise TrainerError(f"'{display_name(self.file.name)}' disappeared while the text was read") from error
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise NotText(f"damaged gzip data: {error}") from error

    def _open(self) -> IO[bytes]:
        if self.file.name.lower().endswith(".gz"):
            return cast(IO[bytes], gzip.open(self.file.path))
        return open(self.file.path, "rb", buffering=0)

    def _read_stream(self, stream: IO[bytes], start: Start, stop: int | None) -> Iterator[Piece | BadText]:
        head = _read_fully(stream, HEAD_BYTES)
        encoding = detect(head, complete=len(head) < HEAD_BYTES)
        if encoding.guessed:
            reason = f"{encoding.codec.upper()} without a byte order mark"
            yield BadText(file=display_name(self.file.name), reason=reason, offset=0, replaced=0 if start.offset else 1)
        first = start.offset or encoding.mark
        stream.seek(first)
        blocks = encoding.decode(_Limited(stream, None if stop is None else stop - first).read)
        if self._holds_lines():
            yield from self._read_lines(blocks, encoding, Start(offset=first, line=start.line))
        else:
            yield from self._read_text(blocks, encoding, first, complete=stop is None)

    def _holds_lines(self) -> bool:
        name = self.file.name.lower()
        return name.removesuffix(".gz").endswith(LINE_ENDS) or name.endswith(".json.gz")

    def _read_text(
        self, blocks: Iterable[str], encoding: Encoding, offset: int, *, complete: bool
    ) -> Iterator[Piece | BadText]:
        for raw, last in cut_pieces(blocks, self.piece_characters):
            text, replaced, first = repair(raw)
            if replaced:
                yield self._invalid(encoding, offset + len(encoding.encode(raw[:first])), replaced)
            offset += len(encoding.encode(raw))
            yield Piece(text, last and complete, offset, 0)

    def _read_lines(self, blocks: Iterable[str], encoding: Encoding, start: Start) -> Iterator[Piece | BadText]:
        (offset, number), continued = start, False
        for raw in _lines(blocks):
            before, offset = offset, offset + len(encoding.encode(raw))
            number += not continued
            if len(raw) > MAX_LINE_CHARACTERS and not continued:
                yield self._bad_line(number, f"longer than {MAX_LINE_CHARACTERS} characters")
            elif not continued and raw.strip():
                value, (_, replaced, first) = _value(raw, self.column), repair(raw)
                if replaced and value is not None:
                    yield self._invalid(encoding, before + len(encoding.encode(raw[:first])), replaced, number)
                yield from self._document(value, offset, number, counted=bool(replaced))
            continued = not raw.endswith("\n")

    def _values(self, rows: Iterable[tuple[int, bytes | None]]) -> Iterator[Piece | BadText]:
        for number, value in rows:
            if value is None:
                yield self._bad_line(number, f"no text in column '{self.column}'")
            else:
                yield from self._document(value.decode("utf-8", "surrogateescape"), 0, number, counted=False)

    def _document(self, value: str | None, offset: int, number: int, *, counted: bool) -> Iterator[Piece | BadText]:
        if value is None:
            yield self._bad_line(number, f"not a JSON object with a text in '{self.column}'")
            return
        text, replaced, _ = repair(value)
        if replaced and not counted:
            reason = "invalid characters in the text"
            yield BadText(file=display_name(self.file.name), reason=reason, line=number, replaced=replaced)
        for piece, last in cut_pieces([text], self.piece_characters):
            yield Piece(piece, last, offset, number)

    def _invalid(self, encoding: Encoding, offset: int, replaced: int, line: int | None = None) -> BadText:
        reason = f"not {encoding.codec.upper()}"
        return BadText(file=display_name(self.file.name), reason=reason, offset=offset, replaced=replaced, line=line)

    def _bad_line(self, number: int, reason: str) -> BadText:
        return BadText(file=display_name(self.file.name), reason=reason, line=number)


@dataclass
class _Limited:
    """Reads at most `left` bytes of a stream; all if `left` is None."""

    stream: IO[bytes]
    left: int | None

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
        block = self.stream.read(size if self.left is None else min(size, self.left))
        if self.left is not None:
            self.left -= len(block)
        return block


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    parts, length = [], 0
    while length < size and (block := stream.read(size - length)):
        parts.append(block)
        length += len(block)
    return b"".join(parts)


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    """Yield lines with their ends. A line that is too long comes in parts, of which the first is too long."""
    buffer = ""
    for block in blocks:
        *lines, buffer = (buffer + block).split("\n")
        yield from (f"{line}\n" for line in lines)
        if len(buffer) > MAX_LINE_CHARACTERS:
            yield buffer
            buffer = ""
    if buffer:
        yield buffer


def _value(line: str, column: str) -> str | None:
    """Return the text in a line of JSON; None if there is none."""
    try:
        record = JSON.decode(line.removeprefix("\ufeff"))  # files with marks may have been joined
    except (ValueError, RecursionError):
        return None
    value = record.get(column) if isinstance(record, dict) else None
    return value if isinstance(value, str) else None
