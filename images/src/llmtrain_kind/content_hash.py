"""Content hashes, which name builds after their inputs."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

HASH_LENGTH = 12
_IGNORED_FOLDERS = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


def content_hash(root: Path, paths: Iterable[Path], *, extra: Iterable[str] = ()) -> str:
    """Return HASH_LENGTH hexadecimal digits of a hash of the files' names, modes and bytes.

    `paths` are files or folders below `root`; a path that doesn't exist counts as empty, so that adding it later changes
    the hash. `extra` adds text, for example a compiler's version. Caches of Python and its tools are ignored.
    """
    digest = hashlib.sha256()
    for text in extra:
        digest.update(f"word {text}\0".encode())
    for path in sorted(file for each in paths for file in files_below(root / each)):
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        digest.update(f"file {path.relative_to(root).as_posix()} {mode}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:HASH_LENGTH]


def files_below(path: Path) -> list[Path]:
    """Return all files at or below `path`, without ignored ones."""
    if path.is_file():
        return [path]
    return [
        file
        for file in path.rglob("*")
        if file.is_file()
        and not _IGNORED_FOLDERS.intersection(file.parts)
        and not any(part.endswith(".egg-info") for part in file.parts)
    ]
