"""A lock that serializes changes to clusters and to the cache between processes."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from llmtrain_kind.paths import cache_folder
from llmtrain_kind.progress import step


@contextmanager
def exclusive_lock() -> Iterator[None]:
    """Hold the lock of the cache folder; wait for another process that holds it. The kernel releases it at exit."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("waiting for another process of llmtrain_kind to finish"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
