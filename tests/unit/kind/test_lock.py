"""The lock of a folder excludes processes that change the same folder, and no others."""

import fcntl
from pathlib import Path

import pytest

from llmtrain_kind.lock import exclusive_lock


def is_locked(folder: Path) -> bool:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_the_cache_is_locked_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMTRAIN_CACHE", str(tmp_path / "cache"))
    with exclusive_lock():
        assert is_locked(tmp_path / "cache")
    assert not is_locked(tmp_path / "cache")


def test_another_folder_has_a_lock_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMTRAIN_CACHE", str(tmp_path))
    with exclusive_lock(tmp_path / "data"):
        assert is_locked(tmp_path / "data")
        assert not is_locked(tmp_path)
