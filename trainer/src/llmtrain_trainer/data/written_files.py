"""Files that are on the volume completely or not at all, and their sizes and digests."""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from pydantic import Field, ValidationError

from llmtrain_api.model import Model

READ_BYTES = 2**20
ModelT = TypeVar("ModelT", bound=Model)


class WrittenFile(Model):
    """What a file must be like to be complete."""

    size: int = Field(ge=0)
    """Bytes."""
    digest: str
    """BLAKE2b of 16 bytes."""


def read_model(kind: type[ModelT], path: Path) -> ModelT | None:
    """Return what `write_model` wrote; None if there is no such file, or it is of another version."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_model(value: Model, path: Path) -> None:
    """Write `value` as JSON to `path`, completely or not at all."""
    write_atomically(value.model_dump_json(by_alias=True).encode(), path)


def write_atomically(content: bytes, path: Path) -> None:
    """Write `content` to `path`, completely or not at all."""
    with atomic_file(path) as file:
        file.write(content)


def write_unless_there(pieces: Callable[[], Iterable[bytes]], path: Path) -> None:
    """Write the pieces to `path`, completely or not at all, unless it is a file of these bytes.

    For files that several pods map: on NFS a file is gone for those who have mapped it when it is replaced, even by the same
    bytes.
    """

    def place(unfinished: Path, path: Path) -> None:
        try:
            os.link(unfinished, path)  # a rename would replace what another pod has written since
        except OSError:
            if not _holds(path, pieces()):  # it is damaged, or the file system has no links
                unfinished.rename(path)

    if not _holds(path, pieces()):
        with atomic_file(path, place) as file:
            file.writelines(pieces())


def _holds(path: Path, pieces: Iterable[bytes]) -> bool:
    """Return whether a file has exactly the bytes of the pieces."""
    try:
        with path.open("rb") as file:
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def atomic_file(path: Path, place: Callable[[Path, Path], object] = Path.rename) -> Iterator[IO[bytes]]:
    """Yield a new file to write into. It is flushed to disk and renamed to `path`, or removed after an exception.

    `place` gives the file its name in another way.
    """
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with unfinished.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Return the bytes of a file; -1 if it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def digest_of(path: Path) -> WrittenFile:
    """Return size and digest of a file, which is read in pieces."""
    digest, size = hashlib.blake2b(digest_size=16), 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
            size += len(block)
    return WrittenFile(size=size, digest=digest.hexdigest())


def is_as_written(path: Path, written: WrittenFile | None) -> bool:
    """Return whether a file exists and has the size and digest with which it was written; not if they are unknown."""
    return written is not None and size_of(path) == written.size and digest_of(path) == written
