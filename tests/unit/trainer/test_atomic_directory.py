"""A directory exists completely or not at all."""

from pathlib import Path

import pytest

from llmtrain_trainer.atomic_directory import atomic_directory


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_directory(tmp_path / "folder") as unfinished:
            (unfinished / "file").write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("replace", "expected"), [pytest.param(True, "new", id="replaced"), pytest.param(False, "old", id="kept")]
)
def test_an_existing_directory_is_replaced_or_kept(tmp_path: Path, replace: bool, expected: str) -> None:
    for text in ("old", "new"):
        with atomic_directory(tmp_path / "folder", replace=replace) as unfinished:
            (unfinished / "file").write_text(text)
    assert (tmp_path / "folder" / "file").read_text() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
