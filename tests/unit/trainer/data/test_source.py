"""Text is read from the volume and nowhere else; a wrong path is rejected with the field and a remedy."""

from pathlib import Path

import pytest

from llmtrain_api.job import Source
from llmtrain_trainer.data.source import TextFile, fingerprint, read_source
from llmtrain_trainer.errors import BadInput


def names(path: str, volume: Path) -> list[str]:
    return [file.name for file in read_source(Source(volume="datasets", path=path), volume)]


def test_all_files_below_a_directory_are_read(volume: Path) -> None:
    (volume / "text" / "a-folder").mkdir()
    (volume / "text" / "a-folder" / "inner.txt").write_text("inner")
    (volume / "text" / ".hidden").write_text("hidden")
    assert sorted(names("text", volume)) == ["a-folder/inner.txt", *(f"file-{number}.txt" for number in range(8))]


def test_a_single_file_is_a_source(volume: Path) -> None:
    assert names("text/file-3.txt", volume) == ["file-3.txt"]


def test_the_whole_volume_is_a_source_without_prepared_datasets(volume: Path) -> None:
    (volume / ".llmtrain").mkdir()
    (volume / ".llmtrain" / "tokenizer.json").write_text("{}")
    assert len(names(".", volume)) == 8


def test_the_standard_library_is_bundled(volume: Path) -> None:
    files = read_source(Source(volume="datasets", bundled="python-stdlib"), volume)
    assert {"argparse.py", "asyncio/tasks.py"} <= {file.name for file in files}
    assert not any("site-packages" in file.name or "/test/" in file.name for file in files)
    assert 5e6 < sum(len(file.content) for file in files) < 15e6


def test_a_missing_path_is_rejected(volume: Path) -> None:
    with pytest.raises(BadInput, match=r"spec\.data\.source\.path: 'nowhere' is not on volume 'datasets'; put UTF-8"):
        names("nowhere", volume)


def test_a_directory_without_text_is_rejected(volume: Path) -> None:
    (volume / "images").mkdir()
    (volume / "images" / "photo").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(BadInput, match="no text files under 'images' on volume 'datasets'; put UTF-8 files there"):
        names("images", volume)


@pytest.mark.parametrize("path", ["../secret", "/etc", "text/../../secret"])
def test_a_path_outside_the_volume_is_rejected(volume: Path, path: str) -> None:
    (volume.parent / "secret").write_text("secret")
    with pytest.raises(BadInput, match="leads out of the volume"):
        names(path, volume)


def test_a_link_to_outside_the_volume_is_rejected(volume: Path) -> None:
    (volume.parent / "secret").write_text("secret")
    (volume / "text" / "link").symlink_to(volume.parent / "secret")
    (volume / "folder-link").symlink_to(volume.parent)
    with pytest.raises(BadInput, match="'link' under 'text' is a link that leads out of volume"):
        names("text", volume)
    with pytest.raises(BadInput, match="leads out of the volume"):
        names("folder-link", volume)


def test_a_fingerprint_changes_with_every_part_of_the_dataset() -> None:
    one, two = TextFile(name="a", content=b"12"), TextFile(name="b", content=b"3")
    same = fingerprint([one, two], 4096)
    assert same == fingerprint([one, two], 4096)
    shifted = [TextFile(name="a", content=b"1"), TextFile(name="b", content=b"23")]
    assert len({same, fingerprint([one], 4096), fingerprint([one, two], 512), fingerprint(shifted, 4096)}) == 4
