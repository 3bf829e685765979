"""Names built things after what they were built from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

HASH_LENGTH = 12
_IGNORED_FOLDERS = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


def content_hash(root: Path, paths: Iterable[Path], *, extra: Iterable[str] = ()) -> str:
    """Twelve hexadecimal digits of the files' names, modes and bytes.

    `paths` are files or folders below `root`; a path that doesn't exist counts as
    empty, so that adding it later gives another hash. `extra` adds words, for example
    a compiler's version. Caches of Python and its tools don't count.
    """
    digest = hashlib.sha256()
    for word in extra:
        digest.update(f"word {word}\0".encode())
    for path in sorted(file for given in paths for file in files_below(root / given)):
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        digest.update(f"file {path.relative_to(root).as_posix()} {mode}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:HASH_LENGTH]


def files_below(path: Path) -> list[Path]:
    """Every file that counts at or below `path`."""
    if path.is_file():
        return [path]
    return [
        file
        for file in path.rglob("*")
        if file.is_file()
        and not _IGNORED_FOLDERS.intersection(file.parts)
        and not any(part.endswith(".egg-info") for part in file.parts)
    ]
