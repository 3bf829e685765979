"""The sets that `make data` wrote."""

from collections.abc import Callable
from pathlib import Path

import pytest

from real_data.cache import default_cache

SetFolder = Callable[[str], Path]


@pytest.fixture(scope="session")
def set_folder() -> SetFolder:
    """Return the folder of a set."""

    def folder(name: str) -> Path:
        path = default_cache().set(name)
        assert path.is_dir(), f"run `make data SETS={name}`"
        return path

    return folder
