"""A file is there with all of its content, or as it was before."""

from pathlib import Path

import pytest

from llmtrain_trainer.data.written_files import WrittenFile, atomic_file, digest_of, read_model, size_of, write_model


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
