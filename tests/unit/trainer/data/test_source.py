"""Text is read from the volume and nowhere else; a wrong path is rejected with the field and a remedy."""

import os
from pathlib import Path

import pytest

from llmtrain_api.data import Source
from llmtrain_trainer.data.source import Listing, read_source
from llmtrain_trainer.errors import BadInput


def listing(path: str, volume: Path) -> Listing:
    return read_source(Source(volume="datasets", path=path), volume)


def names(path: str, volume: Path) -> list[str]:
    return [file.name for file in listing(path, volume)]


def test_all_files_below_a_directory_are_read(volume: Path) -> None:
    (volume / "text" / "a-folder").mkdir()
    (volume / "text" / "a-folder" / "inner.txt").write_text("inner")
    (volume / "text" / ".hidden").write_text("hidden")
    assert names("text", volume) == [*(f"file-{number}.txt" for number in range(8)), "a-folder/inner.txt"]


def test_a_single_file_is_a_source(volume: Path) -> None:
    (file,) = listing("text/file-3.txt", volume)
    assert (file.name, file.content) == ("file-3.txt", (volume / "text" / "file-3.txt").read_bytes())


def test_the_whole_volume_is_a_source_without_prepared_datasets(volume: Path) -> None:
    (volume / ".llmtrain").mkdir()
    (volume / ".llmtrain" / "tokenizer.json").write_text("{}")
    assert len(names(".", volume)) == 8


def test_the_standard_library_is_bundled(volume: Path) -> None:
    files = read_source(Source(volume="datasets", bundled="python-stdlib"), volume)
    found = {file.name for file in files}
    assert {"argparse.py", "asyncio/tasks.py"} <= found
    assert not any("site-packages" in name or "/test/" in name for name in found)
    assert 5e6 < files.size < 15e6


def test_a_missing_path_is_rejected(volume: Path) -> None:
    with pytest.raises(BadInput, match=r"spec\.data\.source\.path: 'nowhere' is not on volume 'datasets'; put UTF-8"):
        names("nowhere", volume)


@pytest.mark.parametrize("path", ["text/file-0.txt/inner", "te\0xt", "loop"])
def test_a_path_that_no_file_can_have_is_rejected(volume: Path, path: str) -> None:
    (volume / "loop").symlink_to("loop")
    with pytest.raises(BadInput, match="is not on volume 'datasets'"):
        names(path, volume)


def test_a_directory_without_files_is_rejected(volume: Path) -> None:
    (volume / "empty").mkdir()
    (volume / "empty" / "nothing.txt").touch()
    with pytest.raises(BadInput, match="no text files under 'empty' on volume 'datasets'; put UTF-8 files there"):
        names("empty", volume)


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


def test_a_linked_folder_is_followed_within_the_volume(volume: Path) -> None:
    (volume / "shared").mkdir()
    (volume / "shared" / "book.txt").write_text("a book")
    (volume / "text" / "books").symlink_to("../shared")
    assert names("text", volume)[-1] == "books/book.txt"


def test_a_linked_folder_outside_the_volume_is_rejected_by_name(volume: Path) -> None:
    (volume.parent / "elsewhere").mkdir()
    (volume / "text" / "books").symlink_to(volume.parent / "elsewhere")
    with pytest.raises(BadInput, match="'books' under 'text' is a link that leads out of volume 'datasets'"):
        names("text", volume)


def test_links_in_a_circle_end(volume: Path) -> None:
    (volume / "text" / "a").mkdir()
    (volume / "text" / "a" / "inner.txt").write_text("inner")
    (volume / "text" / "a" / "back").symlink_to("..")
    (volume / "text" / "again").symlink_to("a")
    assert names("text", volume)[8:] == ["a/inner.txt"]


def test_a_link_that_leads_nowhere_and_a_pipe_are_left_out_by_name(volume: Path) -> None:
    (volume / "text" / "gone").symlink_to("nothing")
    os.mkfifo(volume / "text" / "pipe")
    found = listing("text", volume)
    assert len(found) == 8
    assert [str(bad) for bad in found.left_out] == [
        "'gone': a link that leads nowhere (No such file or directory)",
        "'pipe': a pipe, a socket or a device",
    ]


def test_a_link_that_the_volume_does_not_resolve_is_not_left_out(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (volume / "text" / "link").symlink_to("file-0.txt")

    class UnresolvedEntry:
        name, path = "link", str(volume / "text" / "link")

        def is_symlink(self) -> bool:
            return True

        def stat(self) -> os.stat_result:
            raise OSError(5, "Input/output error")

    class FoundEntries:
        def __enter__(self) -> list[UnresolvedEntry]:
            return [UnresolvedEntry()]

        def __exit__(self, *exception: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", lambda path: FoundEntries())
    with pytest.raises(OSError, match="Input/output error"):
        names("text", volume)


@pytest.mark.parametrize("path", ["x" * 300, "circle", "text/file-0.txt/inner"])
def test_a_path_that_names_nothing_is_rejected(volume: Path, path: str) -> None:
    (volume / "circle").symlink_to("circle")
    with pytest.raises(BadInput, match="is not on volume 'datasets'"):
        names(path, volume)


def test_a_file_with_several_names_is_read_once(volume: Path) -> None:
    (volume / "cache" / "blobs").mkdir(parents=True)
    (volume / "cache" / "snapshots").mkdir()
    for number in range(5):
        (volume / "cache" / "blobs" / f"{number:040x}").write_text(f"text {number}")
        (volume / "cache" / "snapshots" / f"part-{number}.txt").symlink_to(f"../blobs/{number:040x}")
    os.link(volume / "cache" / "blobs" / f"{1:040x}", volume / "cache" / "snapshots" / "copy.txt")
    read = listing("cache", volume)
    assert len(read) == len({file.content for file in read}) == 5


def test_of_several_names_the_one_that_chooses_a_format_is_used(volume: Path) -> None:
    (volume / "cache").mkdir()
    (volume / "cache" / "blob").write_text('{"text": "a"}\n')
    (volume / "cache" / "train.jsonl").symlink_to("blob")
    assert names("cache", volume) == ["train.jsonl"]


def test_a_name_that_is_not_utf8_is_read(volume: Path) -> None:
    with open(os.fsencode(volume / "text") + b"/caf\xe9.txt", "wb") as file:
        file.write(b"coffee")
    assert "caf\udce9.txt" in names("text", volume)


@pytest.mark.parametrize("function", ["scandir", "stat"])
def test_a_folder_that_may_not_be_read_is_named(volume: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    (volume / "text" / "private").mkdir()
    before = getattr(os, function)

    def deny(path: object, **arguments: object) -> object:
        if str(path).rstrip("/").endswith("private" if function == "scandir" else "text"):
            raise PermissionError(13, "Permission denied")
        return before(path, **arguments)

    monkeypatch.setattr(os, function, deny)
    with pytest.raises(BadInput, match=r"'(private|text)' can't be read: Permission denied; let the user of the pods"):
        names("text", volume)
