"""Texts with labels are written as published data sets are."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from real_data.layouts.labelled import (
    tree,
    write_class_csv,
    write_columns,
    write_json_lines,
    write_label_folders,
    write_trees,
)

PARTS = {"train": [('It is "good"', "pos"), ("bad,\nvery bad", "neg")], "test": [("fine", "pos")]}


def test_label_folders_hold_one_text_a_file(tmp_path: Path) -> None:
    write_label_folders(tmp_path, PARTS)
    files = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.txt")}
    assert files == {"train/pos/0.txt": 'It is "good"', "train/neg/1.txt": "bad,\nvery bad", "test/pos/0.txt": "fine"}


@pytest.mark.parametrize(
    ("text", "bracketed"),
    [
        pytest.param("It's very good.", "(4 (2 It's) (2 (2 very) (2 (2 good) (2 .))))", id="a sentence"),
        pytest.param("Good", "(4 Good)", id="one word"),
        pytest.param("(a b", "(4 (2 -LRB-) (2 (2 a) (2 b)))", id="a bracket"),
    ],
)
def test_a_tree_is_binary_and_its_root_has_the_label(text: str, bracketed: str) -> None:
    assert tree(text, "4") == bracketed
    assert bracketed.count("(") == bracketed.count(")")


def test_trees_are_lines(tmp_path: Path) -> None:
    write_trees(tmp_path, {"test": [("a b", "0"), ("c", "3")]})
    assert (tmp_path / "test.txt").read_text() == "(0 (2 a) (2 b))\n(3 c)\n"


def test_class_numbers_are_those_of_the_list_of_classes(tmp_path: Path) -> None:
    write_class_csv(tmp_path, PARTS)
    assert (tmp_path / "classes.txt").read_text() == "neg\npos\n"
    with (tmp_path / "train.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["2", "", 'It is "good"'], ["1", "", "bad,\nvery bad"]]


@pytest.mark.parametrize(("suffix", "dialect"), [("csv", "unix"), ("csv", "excel"), ("tsv", "excel-tab")])
def test_columns_are_read_back(tmp_path: Path, suffix: str, dialect: str) -> None:
    rows = [{"text": 'a\t"b", c', "label": "x"}, {"text": "d\ne", "label": "y"}]
    write_columns(tmp_path, {"test": rows}, suffix=suffix, dialect=dialect)
    with (tmp_path / f"test.{suffix}").open(newline="") as file:
        assert list(csv.DictReader(file, dialect=dialect)) == rows


def test_json_lines_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    rows = [{"text": "é\u2028"}, {"text": "b"}]
    write_json_lines(tmp_path, {"test": rows})
    write_json_lines(tmp_path, {"test": rows}, compressed=True)
    content = (tmp_path / "test.jsonl").read_bytes()
    assert [json.loads(line) for line in content.split(b"\n") if line] == rows
    compressed = (tmp_path / "test.jsonl.gz").read_bytes()
    assert gzip.decompress(compressed) == content
    assert compressed[4:8] == bytes(4), "no time of writing"
