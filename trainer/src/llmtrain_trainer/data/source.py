"""The text files of a job: a file or folder of its volume, or the text that the image carries."""

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.job import Source
from llmtrain_trainer.errors import BadInput

NOT_OF_THE_LIBRARY = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "lib2to3", "__pycache__"}
)
"""Folders of the Python installation that aren't its library, or that not every distribution ships."""


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """One file: its name relative to the source, and its bytes."""

    name: str
    content: bytes

    @property
    def text(self) -> str | None:
        """Its text, or None if it isn't UTF-8."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return None


def read_source(source: Source, volume: Path) -> list[TextFile]:
    """Return the files of `source`, ordered by name. `volume` is where its volume is mounted.

    BadInput if there are none, or if they aren't on the volume.
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
    """Return a name for a dataset: equal exactly if names, contents and settings are equal."""
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
            f"'{source.volume}'; put the file itself there"
        )
    return TextFile(name=name, content=path.read_bytes())


def _walk(root: Path) -> Iterator[Path]:
    """Files below `root` in the order of their names; hidden ones are left out."""
    if root.is_file():
        yield root
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and (Path(folder) / name).is_file():
                yield Path(folder) / name


def _library_files(library: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(library):
        folders[:] = sorted(set(folders) - NOT_OF_THE_LIBRARY)
        for name in sorted(files):
            path = Path(folder) / name
            if name.endswith(".py") and not path.is_symlink():
                yield path.relative_to(library).as_posix(), path
