"""Lets one `llmtrain_kind` at a time change things; a second one waits its turn."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from llmtrain_kind.paths import cache_folder
from llmtrain_kind.progress import step


@contextmanager
def exclusive_lock() -> Iterator[None]:
    """Hold the cache folder's lock; it is freed even if the process dies."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("waiting for another llmtrain_kind to finish"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
