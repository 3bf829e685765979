"""The text files of a job: a file or directory on its volume, or the text bundled with the image."""

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.job import Source
from llmtrain_trainer.errors import BadInput

EXCLUDED_DIRECTORIES = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "lib2to3", "__pycache__"}
)
"""Directories of the Python installation that do not belong to the standard library or are not shipped everywhere."""


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """One file of the source."""

    name: str
    """Path relative to the source, with "/" as separator."""
    content: bytes

    @property
    def text(self) -> str | None:
        """The content decoded as UTF-8, or None if it is something else."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return None


def read_source(source: Source, volume: Path) -> list[TextFile]:
    """Return the files of `source`, ordered by name. `volume` is the directory where its volume is mounted.

    BadInput if the path does not exist, leads out of the volume, or holds no text.
    """
    if source.bundled is not None:
        library = Path(sysconfig.get_path("stdlib"))
        return [TextFile(name=name, content=path.read_bytes()) for name, path in _library_files(library)]
    assert source.path is not None
    root = _within(volume, source.path)
    if not root.exists():
        raise BadInput(
            f"spec.data.source.path: '{source.path}' is not on volume '{source.volume}'; "
            "put UTF-8 files there or correct the path"
        )
    files = [_read(volume, source, root, path) for path in _walk(root)]
    if not any(file.content and file.text is not None for file in files):
        raise BadInput(
            f"spec.data.source.path: no text files under '{source.path}' on volume '{source.volume}'; "
            "put UTF-8 files there or correct the path"
        )
    return files


def fingerprint(files: list[TextFile], *settings: object) -> str:
    """Return the id of a dataset: equal if and only if file names, contents and settings are equal."""
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=10)
    for file in files:
        digest.update(f"\0{file.name}\0{len(file.content)}\0".encode())
        digest.update(file.content)
    return digest.hexdigest()


def _within(volume: Path, path: str) -> Path:
    root = (volume / path).resolve()
    if not root.is_relative_to(volume.resolve()):
        raise BadInput(
            f"spec.data.source.path: '{path}' leads out of the volume; give a path relative to the volume's root"
        )
    return root


def _read(volume: Path, source: Source, root: Path, path: Path) -> TextFile:
    name = path.name if path == root else path.relative_to(root).as_posix()
    if not path.resolve().is_relative_to(volume.resolve()):
        raise BadInput(
            f"spec.data.source.path: '{name}' under '{source.path}' is a link that leads out of volume "
            f"'{source.volume}'; replace the link by the file"
        )
    return TextFile(name=name, content=path.read_bytes())


def _walk(root: Path) -> Iterator[Path]:
    """Yield the files below `root` in the order of their names, without hidden ones."""
    if root.is_file():
        yield root
        return
    for directory, subdirectories, files in os.walk(root):
        subdirectories[:] = sorted(name for name in subdirectories if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and (Path(directory) / name).is_file():
                yield Path(directory) / name


def _library_files(library: Path) -> Iterator[tuple[str, Path]]:
    for directory, subdirectories, files in os.walk(library):
        subdirectories[:] = sorted(set(subdirectories) - EXCLUDED_DIRECTORIES)
        for name in sorted(files):
            path = Path(directory) / name
            if name.endswith(".py") and not path.is_symlink():
                yield path.relative_to(library).as_posix(), path
