"""Words and tags are written in the columns of CoNLL."""

from pathlib import Path

from real_data.layouts.tagged import write_four_columns, write_two_columns

PARTS = {"test": [[("The", "at"), ("end", "nn")], [(".", ".")]]}


def test_two_columns_are_separated_by_a_tab(tmp_path: Path) -> None:
    write_two_columns(tmp_path, PARTS)
    assert (tmp_path / "test.conll").read_text() == "The\tat\nend\tnn\n\n.\t.\n\n"


def test_four_columns_are_those_of_conll_2003(tmp_path: Path) -> None:
    write_four_columns(tmp_path, PARTS)
    lines = (tmp_path / "test.txt").read_text().split("\n")
    assert lines == ["-DOCSTART- -X- -X- O", "", "The -X- -X- at", "end -X- -X- nn", "", ". -X- -X- .", "", ""]
