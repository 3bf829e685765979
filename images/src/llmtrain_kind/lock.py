"""A lock that serializes changes to clusters and to the cache between processes."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmtrain_kind.paths import cache_folder
from llmtrain_kind.progress import step


@contextmanager
def exclusive_lock(folder: Path | None = None) -> Iterator[None]:
    """Hold the lock of a folder, by default the cache; wait for another process that holds it.

    The kernel releases it at exit.
    """
    locked = folder or cache_folder()
    locked.mkdir(parents=True, exist_ok=True)
    with (locked / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"waiting for another process that changes {locked}"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
