"""The decoded text of a file, from any place in it, and its lines; decompressed if its name ends in .gz."""

import contextlib
import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, cast

from llmtrain_trainer.data.bad_text import BadText, NotText, display_name
from llmtrain_trainer.data.decoding import HEAD_BYTES, Encoding, detect
from llmtrain_trainer.data.source import TextFile, unreadable
from llmtrain_trainer.errors import TrainerError

MAX_LINE_CHARACTERS = 2**23
"""The longest line; a longer one is bad text, so that memory has a bound."""


@dataclass(frozen=True, kw_only=True)
class TextStream:
    """A file whose text is read once."""

    encoding: Encoding
    first: int
    """Byte of the file at which the text begins."""
    blocks: Iterator[str]
    """The text, in blocks of any size."""
    guessed: BadText | None
    """The finding that the file lacks a byte order mark; None if it needs none."""


@contextlib.contextmanager
def open_stream(file: TextFile, offset: int = 0, stop: int | None = None) -> Iterator[TextStream]:
    """Yield the text of a file from the byte `offset` up to the byte `stop`.

    NotText if the file, or its rest, can't be used; BadInput if it may not be read; TrainerError if it has disappeared.
    """
    with file_errors(file), _open(file) as stream:
        head = _read_fully(stream, HEAD_BYTES)
        encoding = detect(head, complete=len(head) < HEAD_BYTES)
        first = offset or encoding.mark
        stream.seek(first)
        blocks = encoding.decode(_Limited(stream, None if stop is None else stop - first).read)
        reason = f"{encoding.codec.upper()} without a byte order mark"
        finding = BadText(file=display_name(file.name), reason=reason, offset=0, replaced=0 if offset else 1)
        yield TextStream(encoding=encoding, first=first, blocks=blocks, guessed=finding if encoding.guessed else None)


@contextlib.contextmanager
def file_errors(file: TextFile) -> Iterator[None]:
    """Translate errors of reading `file` as `open_stream` describes."""
    try:
        yield
    except PermissionError as error:
        raise unreadable(file.name, error) from error
    except FileNotFoundError as error:
        raise TrainerError(f"'{display_name(file.name)}' disappeared while the text was read") from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise NotText(f"damaged gzip data: {error}") from error


def lines(blocks: Iterable[str]) -> Iterator[str]:
    """Yield lines with their ends. A line that is too long comes in parts, of which the first is too long."""
    buffer = ""
    for block in blocks:
        *complete, buffer = (buffer + block).split("\n")
        yield from (f"{line}\n" for line in complete)
        if len(buffer) > MAX_LINE_CHARACTERS:
            yield buffer
            buffer = ""
    if buffer:
        yield buffer


def _open(file: TextFile) -> IO[bytes]:
    if file.name.lower().endswith(".gz"):
        return cast(IO[bytes], gzip.open(file.path))
    return open(file.path, "rb", buffering=0)


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
