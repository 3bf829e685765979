"""Readers of the layouts return what the writers of the layouts were given."""

from pathlib import Path

import pytest

from real_data.layouts.labelled import (
    write_class_csv,
    write_columns,
    write_json_lines,
    write_label_folders,
    write_trees,
)
from real_data.layouts.questions import Question, write_squad
from real_data.layouts.tagged import write_four_columns, write_two_columns
from real_data.readers import (
    Answered,
    read_class_csv,
    read_columns,
    read_conll,
    read_json_lines,
    read_label_folders,
    read_lines,
    read_squad,
    read_trees,
)

PARTS = {"test": [('It is "good",\nreally', "pos"), ("bad\x85", "neg")]}
TAGGED = {"test": [[("and/or", "cc"), ("end", "nn")], [(".", ".")]]}
ASKED = Question(title="ls", context="-b: b. --all: all.", question="All?", answer="--all", answer_start=7)


def test_label_folders(tmp_path: Path) -> None:
    write_label_folders(tmp_path, PARTS)
    assert read_label_folders(tmp_path / "test") == PARTS["test"]


def test_trees(tmp_path: Path) -> None:
    write_trees(tmp_path, {"test": [("a b", "0"), ("c", "3")]})
    assert read_trees(tmp_path / "test.txt") == [("a b", "0"), ("c", "3")]


def test_class_csv(tmp_path: Path) -> None:
    write_class_csv(tmp_path, PARTS)
    assert read_class_csv(tmp_path / "test.csv") == PARTS["test"]


@pytest.mark.parametrize(
    ("suffix", "dialect"),
    [("csv", "unix"), ("tsv", "excel-tab"), ("jsonl", ""), ("jsonl.gz", "")],
)
def test_columns(tmp_path: Path, suffix: str, dialect: str) -> None:
    rows = {"test": [{"text": text, "label": label, "more": "x"} for text, label in PARTS["test"]]}
    if dialect:
        write_columns(tmp_path, rows, suffix=suffix, dialect=dialect)
    else:
        write_json_lines(tmp_path, rows, compressed=suffix.endswith("gz"))
        assert read_json_lines(tmp_path / f"test.{suffix}") == rows["test"]
    assert read_columns(tmp_path / f"test.{suffix}", text="text", label="label") == PARTS["test"]


@pytest.mark.parametrize(("write", "name"), [(write_two_columns, "test.conll"), (write_four_columns, "test.txt")])
def test_conll(tmp_path: Path, write: object, name: str) -> None:
    assert callable(write)
    write(tmp_path, TAGGED)
    assert read_conll(tmp_path / name) == TAGGED["test"]


def test_lines_end_with_line_feeds_alone(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes("a\x85b\u2028c\n\nd\n".encode())
    assert read_lines(tmp_path / "lines") == ["a\x85b\u2028c", "", "d"]


def test_squad(tmp_path: Path) -> None:
    write_squad(tmp_path, {"test": [ASKED]}, version="1.1")
    assert list(read_squad(tmp_path / "test.json")) == [Answered(ASKED.context, "All?", ["--all"])]


def test_an_answer_elsewhere_is_refused(tmp_path: Path) -> None:
    write_squad(tmp_path, {"test": [ASKED]}, version="1.1")
    path = tmp_path / "test.json"
    path.write_text(path.read_text().replace('"answer_start": 7', '"answer_start": 6'))
    with pytest.raises(ValueError, match="no '--all' at 6"):
        list(read_squad(path))
