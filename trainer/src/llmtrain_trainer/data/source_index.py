"""The index of sources: which dataset was made of which files, by names, sizes and times, so that no text is read again.

A file that was changed has another time of change, which programs can't set; then the text is read and hashed. The files
of the dataset are compared in the same way, and read and hashed if their times differ.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llmtrain_api.model import Model
from llmtrain_trainer.data.dataset import DatasetFile, problem_with, read_dataset_file
from llmtrain_trainer.data.report import DataReport
from llmtrain_trainer.data.source import Listing
from llmtrain_trainer.data.written_files import read_model, write_model

DIRECTORY = "sources"
"""Beside the directory of all datasets."""


class FileStamp(NamedTuple):
    """By what a change of a file of the dataset is noticed."""

    name: str
    size: int
    modified_ns: int
    changed_ns: int


class IndexedSource(Model):
    """What was made of a source."""

    dataset: str
    """Id of the dataset."""
    report: DataReport
    stamps: list[FileStamp]
    """The files of the dataset when they were last known to be right."""


def source_key(listing: Listing, settings: Sequence[object]) -> str:
    """Return a hash of the settings, and of names, sizes and times of all files."""
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=10)
    for file in listing:
        line = f"\0{file.name}\0{file.size}\0{file.modified_ns}\0{file.changed_ns}"
        digest.update(line.encode("utf-8", "surrogateescape"))
    for bad in listing.left_out:
        digest.update(f"\0\0{bad}".encode())
    return digest.hexdigest()


def find_source(root: Path, key: str) -> tuple[DatasetFile, DataReport] | None:
    """Return the dataset below `root` that was made of the source, if it is complete and as it was written."""
    entry = read_model(IndexedSource, _path(root, key))
    if entry is None:
        return None
    directory = root / entry.dataset
    file = read_dataset_file(directory)
    if file is None or problem_with(directory, file) is not None:
        return None
    if _stamps(directory, file) != entry.stamps:
        if problem_with(directory, file, digests=True) is not None:
            return None
        index_source(root, key, file, entry.report)
    return file, entry.report


def index_source(root: Path, key: str, file: DatasetFile, report: DataReport) -> None:
    """Record that the dataset `file`, which is known to be complete, was made of the source."""
    path = _path(root, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.glob("*.json"):
        entry = read_model(IndexedSource, other)
        if entry is None or not (root / entry.dataset).exists():
            other.unlink(missing_ok=True)  # its dataset was deleted
    stamps = _stamps(root / file.info.id, file)
    write_model(IndexedSource(dataset=file.info.id, report=report, stamps=stamps), path)


def _path(root: Path, key: str) -> Path:
    return root.parent / DIRECTORY / f"{key}.json"


def _stamps(directory: Path, file: DatasetFile) -> list[FileStamp]:
    stamps = []
    for name in sorted(file.sizes()):
        status = (directory / name).stat()
        stamps.append(FileStamp(name, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return stamps
