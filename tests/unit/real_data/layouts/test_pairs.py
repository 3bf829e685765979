"""Translations are written as files of parallel lines, or as rows."""

from pathlib import Path

from real_data.layouts.pairs import one_line, write_pair_rows, write_parallel_lines

PARTS = {"train": [("one", "uno"), ("two", "dos")], "test": [("three", "tres")]}


def test_line_i_of_one_file_translates_line_i_of_the_other(tmp_path: Path) -> None:
    write_parallel_lines(tmp_path, PARTS, source="en", target="es")
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {"train.en": "one\ntwo\n", "train.es": "uno\ndos\n", "test.en": "three\n", "test.es": "tres\n"}


def test_a_row_is_a_source_and_a_target(tmp_path: Path) -> None:
    write_pair_rows(tmp_path, PARTS)
    assert (tmp_path / "train.tsv").read_text() == "one\tuno\ntwo\tdos\n"


def test_a_text_of_several_lines_becomes_one() -> None:
    assert one_line(" a\n\tb\u2028c\u00a0d ") == "a b c d"
