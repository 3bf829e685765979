"""A file is there with all of its content, or as it was before."""

from pathlib import Path

import pytest

from llmtrain_trainer.data import written_files
from llmtrain_trainer.data.written_files import (
    WrittenFile,
    atomic_file,
    digest_of,
    read_model,
    size_of,
    write_model,
    write_unless_there,
)


def test_an_interrupted_file_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def interrupted() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        interrupted()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "before")]


@pytest.mark.parametrize("before", [None, b"", b"ab", b"abcd", b"abx"])
def test_a_file_that_is_not_complete_is_written(tmp_path: Path, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / "file").write_bytes(before)
    write_unless_there(lambda: [b"ab", b"c"], tmp_path / "file")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"abc")]


def test_a_complete_file_that_others_may_have_mapped_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    inode = path.stat().st_ino
    write_unless_there(lambda: [b"ab", b"c"], path)
    assert path.stat().st_ino == inode


def test_a_file_that_another_pod_has_completed_since_is_not_replaced(tmp_path: Path) -> None:
    path, calls = tmp_path / "file", 0

    def pieces() -> list[bytes]:
        nonlocal calls
        calls += 1
        if calls == 2:  # it was not there, and is about to be written
            path.write_bytes(b"abc")
        return [b"abc"]

    write_unless_there(pieces, path)
    assert calls == 3
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"abc")]


def test_a_file_system_without_links_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*paths: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(written_files.os, "link", unsupported)
    write_unless_there(lambda: [b"abc"], tmp_path / "file")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"abc")]


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = WrittenFile(size=3, digest="abc")
    write_model(written, tmp_path / "file")
    assert read_model(WrittenFile, tmp_path / "file") == written


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"size": -1, "digest": ""}', b"\xff"])
def test_what_is_absent_or_not_valid_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    assert read_model(WrittenFile, tmp_path / "file") is None


def test_size_and_digest_are_those_of_the_content(tmp_path: Path) -> None:
    assert size_of(tmp_path / "file") == -1
    (tmp_path / "file").write_bytes(b"abc")
    first = digest_of(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"abd")
    assert first.size == size_of(tmp_path / "file") == 3
    assert digest_of(tmp_path / "file").digest != first.digest
