"""Two files of lines are pairs; files that do not fit together are refused by name and line."""

import gzip
from pathlib import Path

import pytest

from llmtrain_trainer.data.bad_text import BadText, NotText
from llmtrain_trainer.data.parallel import Pair, read_pairs
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import read_records, text_file, write


def pairs(folder: Path, name: str = "en.txt") -> list[Pair | BadText]:
    return list(read_pairs(text_file(folder / name), "en.txt", "es.txt"))


def test_a_line_of_the_one_file_has_the_same_line_of_the_other(tmp_path: Path) -> None:
    write(tmp_path / "en.txt", "one\r\n\n two \nthree")
    write(tmp_path / "es.txt", "uno\n\ndos\n\n")
    assert pairs(tmp_path) == [Pair("one", "uno", 1), Pair("two", "dos", 3), Pair("three", "", 4)]
    assert pairs(tmp_path, "es.txt") == []


def test_each_pair_is_a_record(tmp_path: Path) -> None:
    write(tmp_path / "label", "uno\n\ntres\n")
    file = write(tmp_path / "text", "one\ntwo\nthr\xe9e\n".encode("latin-1"))
    expected = ["'text', line 2: no text in 'label' (noLabel)", "'text', line 3: invalid characters in the text (None)"]
    assert read_records(file, kind="text") == ([("one", "uno"), ("thr\ufffde", "tres")], expected)
    assert read_records(file, kind="class", format="Parallel")[0][0] == ("one", "uno")


def test_what_is_invalid_in_the_other_file_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path / "en.txt", "one\ntwo and more\n")
    write(tmp_path / "es.txt", b"uno\nd\xfes y m\xc3\xa1s\n")
    bad = [str(found) for found in pairs(tmp_path) if isinstance(found, BadText)]
    assert bad == ["'es.txt', line 2: not UTF-8"]


@pytest.mark.parametrize(("spanish", "name"), [("uno\n", "en.txt"), ("uno\ndos\ntres\n", "es.txt")])
def test_files_with_different_numbers_of_lines_are_refused(tmp_path: Path, spanish: str, name: str) -> None:
    write(tmp_path / "en.txt", "one\ntwo\n")
    write(tmp_path / "es.txt", spanish)
    line = max(2, spanish.count("\n"))
    with pytest.raises(NotText, match=f"have not as many lines: only '{name}' has a line {line}"):
        pairs(tmp_path)


def test_a_file_of_another_name_and_one_alone_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "fr.txt", "un\n")
    write(tmp_path / "en.txt", "one\n")
    with pytest.raises(BadInput, match=r"'fr\.txt' is neither .* 'en\.txt' and 'es\.txt'; correct them, or remove"):
        pairs(tmp_path, "fr.txt")
    with pytest.raises(BadInput, match=r"spec\.data\.columns\.label: there is no file 'es\.txt' beside 'en\.txt'"):
        pairs(tmp_path)


def test_labels_without_texts_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "es.txt", "uno\n")
    with pytest.raises(
        BadInput,
        match=r"^spec\.data\.columns\.text: there is no file 'en\.txt' beside 'es\.txt'; name the file with the other",
    ):
        pairs(tmp_path, "es.txt")


@pytest.mark.parametrize("name", ["de/train.de", "/de", "..", ".de"])
def test_the_names_of_the_files_are_no_paths_and_not_hidden(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "en.txt", "one\n")
    with pytest.raises(BadInput, match=rf"^spec\.data\.columns\.label: '{name}' must be a file name without /"):
        list(read_pairs(file, "en.txt", name))
    with pytest.raises(BadInput, match=rf"^spec\.data\.columns\.text: '{name}' must be a file name without /"):
        list(read_pairs(file, name, "en.txt"))


def test_compressed_files_are_read(tmp_path: Path) -> None:
    write(tmp_path / "en.gz", gzip.compress(b"one\n"))
    write(tmp_path / "es", "uno\n")
    assert list(read_pairs(text_file(tmp_path / "en.gz"), "en.gz", "es")) == [Pair("one", "uno", 1)]
