"""Directories and files that are on the volume completely or not at all: written aside, flushed to disk, then renamed."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from llmtrain_trainer.fault_points import fault_point

UNFINISHED = ".unfinished-"
"""Prefix of directories that are being written, or whose writer failed."""


@contextlib.contextmanager
def atomic_directory(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a new directory to write into. It is renamed to `path` at the end, or removed after an exception.

    An existing `path` is kept (another process was faster) unless `replace` is set. OSError if the volume is full or
    can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f"{UNFINISHED}{path.name}-{uuid.uuid4().hex[:8]}"
    unfinished.mkdir()
    try:
        yield unfinished
        fsync_directory(unfinished)
        _rename(unfinished, path, replace=replace)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def atomic_write(path: Path, text: str) -> None:
    """Replace the small file `path`. OSError if the volume is full or can't be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        unfinished.write_text(text)
        _fsync(unfinished)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _fsync(path.parent)


def fsync_directory(directory: Path) -> None:
    """Flush the files directly in `directory`, and their names, to disk."""
    for file in directory.iterdir():
        _fsync(file)
    _fsync(directory)


def remove_stale(directory: Path) -> None:
    """Remove what failed writers left in `directory`. Only its single writer may call this."""
    for unfinished in directory.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _rename(unfinished: Path, path: Path, *, replace: bool) -> None:
    fault_point("rename")
    if replace and path.exists():
        outdated = unfinished.with_name(f"{unfinished.name}-outdated")
        path.rename(outdated)
        shutil.rmtree(outdated, ignore_errors=True)
    with contextlib.suppress(FileExistsError, OSError) if path.exists() else contextlib.nullcontext():
        unfinished.rename(path)
    _fsync(path.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
