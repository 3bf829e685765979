"""Folders that are on the volume whole or not at all: written aside, flushed to disk, then renamed."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from llmtrain_trainer.fault_points import fault_point

UNFINISHED = ".unfinished-"
"""Names of folders that are being written, or whose writer died, begin so."""


@contextlib.contextmanager
def atomic_directory(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a new folder to write into; on a normal end it becomes `path`, on an error it is removed.

    If `path` is already there it is kept (another process was faster), unless `replace`.
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


def fsync_directory(folder: Path) -> None:
    """Write the files directly in `folder`, and their names, to disk."""
    for file in folder.iterdir():
        _flush(file)
    _flush(folder)


def remove_stale(folder: Path) -> None:
    """Remove what dead writers left in `folder`. Only its one writer may call this."""
    for unfinished in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _rename(unfinished: Path, path: Path, *, replace: bool) -> None:
    fault_point("rename")
    if replace and path.exists():
        outdated = unfinished.with_name(f"{unfinished.name}-outdated")
        path.rename(outdated)
        shutil.rmtree(outdated, ignore_errors=True)
    with contextlib.suppress(FileExistsError, OSError) if path.exists() else contextlib.nullcontext():
        unfinished.rename(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
