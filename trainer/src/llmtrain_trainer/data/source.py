"""The text files of a job: a file or directory on its volume, or the text bundled with the image.

Only names, sizes and times are read here. Links are followed within the volume; a file that has several names, by
symbolic or hard links, is listed once, but for one that is half of a pair: what belongs to it is beside each of its names.
"""

import errno
import os
import stat
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.data import Source
from llmtrain_trainer.data.bad_text import BadText, display_name
from llmtrain_trainer.errors import BadInput

EXCLUDED_DIRECTORIES = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "lib2to3", "__pycache__"}
)
"""Directories of the Python installation that do not belong to the standard library or are not shipped everywhere."""
STRUCTURED = (".jsonl", ".ndjson", ".parquet", ".gz")
"""Ends of names that choose a format."""
LEADS_NOWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""Errors by which a path names no file. Any other, such as EIO and ESTALE, is the volume's, and is tried again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """One file of the source, as its directory describes it."""

    root: str
    """Directory that the name is relative to."""
    name: str
    """Path relative to the source, with "/" as separator."""
    size: int
    """Bytes."""
    modified_ns: int
    """When the content changed last."""
    changed_ns: int
    """When content, owner or mode changed last; programs can't set it."""
    folder: str = ""
    """The directory, with which `name` begins, that is a source of a mixture; empty without one."""

    @property
    def path(self) -> str:
        """Path of the file."""
        return f"{self.root}/{self.name}"

    @property
    def top_directory(self) -> str:
        """The first directory below the source; empty if the file is directly in it."""
        directory, separator, _ = self.name.removeprefix(f"{self.folder}/").partition("/")
        return directory if separator else ""

    @property
    def content(self) -> bytes:
        """The bytes of the file, which can be large."""
        return Path(self.path).read_bytes()


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of a source in the order in which they are read, and what is no file."""

    files: list[TextFile]
    left_out: list[BadText]
    """Links that lead nowhere, pipes, sockets and devices."""

    def __iter__(self) -> Iterator[TextFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    name: str
    status: os.stat_result


def read_source(source: Source, volume: Path, pair: tuple[str, ...] = ()) -> Listing:
    """Return the files of `source`, ordered by directory and name. `volume` is where its volume is mounted.

    Files of the two names in `pair` are read together: if the source is one of them, so is the other beside it.
    BadInput if the path does not exist, leads out of the volume, may not be read, or holds no files.
    """
    if source.bundled is not None:
        library = sysconfig.get_path("stdlib")
        return Listing(files=_once_each(library, _library_entries(library)), left_out=[])
    assert source.path is not None
    path = _within(volume, source.path, source.volume)
    root = path if os.path.isdir(path) else os.path.dirname(path)
    walk = _Walk(root=root, volume=volume.resolve(), source=source, pair=pair)
    listing = Listing(files=_once_each(root, walk.entries(path), pair), left_out=walk.left_out)
    if not any(file.size for file in listing):
        raise no_text(source, listing.left_out)
    return listing


def no_text(source: Source, found: list[BadText]) -> BadInput:
    """Return the error for a source without text, with the first of the files that are none."""
    first = f", and {len(found)} that can't be used; the first is {found[0]}" if found else ""
    return BadInput(
        f"spec.data.source.path: no text files under '{source.path}' on volume '{source.volume}'{first}; "
        "put UTF-8 files there or correct the path"
    )


def _within(volume: Path, path: str, name: str) -> str:
    """Return the real path of `path` on the volume."""
    try:
        root = (volume / path).resolve()
        if not root.is_relative_to(volume.resolve()):
            raise BadInput(
                f"spec.data.source.path: '{path}' leads out of the volume; give a path relative to the volume's root"
            )
        os.stat(root)
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno not in LEADS_NOWHERE:
            raise
        raise BadInput(
            f"spec.data.source.path: '{path}' is not on volume '{name}'; put UTF-8 files there or correct the path"
        ) from error
    return str(root)


def unreadable(name: str, error: OSError) -> BadInput:
    """Return the error for a file or folder that this process may not read."""
    return BadInput(
        f"spec.data.source.path: '{display_name(name)}' can't be read: {error.strerror}; let the user of the pods read "
        "it (spec.securityContext), or remove it"
    )


def _once_each(root: str, entries: Iterable[_Entry], pair: tuple[str, ...] = ()) -> list[TextFile]:
    """Return each file once, by the first name that chooses a format, else by the first; those of a `pair` by each name."""
    files: list[TextFile] = []
    numbers: dict[int, int] = {}
    for entry in entries:
        status = entry.status
        file = TextFile(
            root=root,
            name=entry.name,
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            changed_ns=status.st_ctime_ns,
        )
        number = numbers.setdefault(status.st_dev << 64 | status.st_ino, len(files))
        if number == len(files) or file.name.rpartition("/")[2] in pair:
            files.append(file)
        elif _is_structured(file.name) and not _is_structured(files[number].name):
            files[number] = file
    return files


def _is_structured(name: str) -> bool:
    return name.lower().endswith(STRUCTURED)


class _Walk:
    """Walks over the files below a directory, without hidden ones, and through each directory once."""

    def __init__(self, *, root: str, volume: Path, source: Source, pair: tuple[str, ...]) -> None:
        self.left_out: list[BadText] = []
        self._root, self._volume, self._source, self._pair = root, volume, source, pair
        self._seen: set[tuple[int, int]] = set()

    def entries(self, path: str) -> Iterator[_Entry]:
        """Yield the files of a directory in the order of their names, and then those of its subdirectories."""
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            name = os.path.basename(path)
            yield from self._file(_Entry(name=name, status=status))
            yield from self._beside(name)
            return
        waiting = [_Entry(name="", status=status)]
        while waiting:
            directory = waiting.pop()
            identity = (directory.status.st_dev, directory.status.st_ino)
            if identity in self._seen:
                continue
            self._seen.add(identity)
            subdirectories = []
            for entry in self._children(directory):
                if stat.S_ISDIR(entry.status.st_mode):
                    subdirectories.append(entry)
                else:
                    yield from self._file(entry)
            waiting += reversed(subdirectories)

    def _beside(self, name: str) -> Iterator[_Entry]:
        """Yield the other file of the pair, if it is there and `name` is in the pair."""
        for other in self._pair if name in self._pair else ():
            path = Path(self._root, other)
            if other == name or not os.path.lexists(path):
                continue
            if path.is_symlink():
                self._check_target(other, str(path))
            status = self._status(other, path)
            if status is not None:
                yield from self._file(_Entry(name=other, status=status))

    def _children(self, directory: _Entry) -> Iterator[_Entry]:
        try:
            with os.scandir(f"{self._root}/{directory.name}") as found:
                children = sorted((child for child in found if child.name[0] != "."), key=lambda child: child.name)
        except PermissionError as error:
            raise unreadable(directory.name or str(self._source.path), error) from error
        for child in children:
            name = f"{directory.name}/{child.name}" if directory.name else child.name
            if child.is_symlink():
                self._check_target(name, child.path)
            status = self._status(name, child)
            if status is not None:
                yield _Entry(name=name, status=status)

    def _status(self, name: str, child: "os.DirEntry[str] | Path") -> os.stat_result | None:
        try:
            return child.stat()
        except PermissionError as error:
            raise unreadable(name, error) from error
        except OSError as error:
            if not child.is_symlink() or error.errno not in LEADS_NOWHERE:
                raise
            reason = f"a link that leads nowhere ({error.strerror})"
            self.left_out.append(BadText(file=display_name(name), reason=reason))
            return None

    def _check_target(self, name: str, path: str) -> None:
        if not Path(os.path.realpath(path)).is_relative_to(self._volume):
            raise BadInput(
                f"spec.data.source.path: '{display_name(name)}' under '{self._source.path}' is a link that leads out of "
                f"volume '{self._source.volume}'; replace the link by what it links to"
            )

    def _file(self, entry: _Entry) -> Iterator[_Entry]:
        if stat.S_ISREG(entry.status.st_mode):
            yield entry
        else:
            self.left_out.append(BadText(file=display_name(entry.name), reason="a pipe, a socket or a device"))


def _library_entries(library: str) -> Iterator[_Entry]:
    for directory, subdirectories, files in os.walk(library):
        subdirectories[:] = sorted(set(subdirectories) - EXCLUDED_DIRECTORIES)
        for name in sorted(files):
            path = os.path.join(directory, name)
            if name.endswith(".py") and not os.path.islink(path):
                yield _Entry(name=os.path.relpath(path, library), status=os.stat(path))
