"""Rated snippets are read, and their ratings become classes."""

from pathlib import Path

import pytest

from real_data.converters.film import FILE, Snippet, five_classes, read_snippets, two_classes
from real_data.errors import Unreadable


def package(tmp_path: Path, content: str) -> Path:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode())
    return tmp_path


def test_snippets_are_utf_8_with_line_ends_of_windows(tmp_path: Path) -> None:
    content = "id\tsentiment\ttext\r\n1\t-0.6\tIt’s \x85 tepid\r\n2\t3.5\tGood"
    snippets = read_snippets(package(tmp_path, content))
    assert snippets == [Snippet("It’s \x85 tepid", -0.6), Snippet("Good", 3.5)]


def test_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"GroundTruth\.txt:1: expected the columns id, sentiment and text"):
        read_snippets(package(tmp_path, "id,sentiment,text\n"))


@pytest.mark.parametrize(
    ("rating", "two", "five"),
    [
        (-4.0, "neg", "0"),
        (-1.51, "neg", "0"),
        (-1.0, "neg", "1"),
        (-0.05, None, "2"),
        (0.0, None, "2"),
        (0.06, "pos", "2"),
        (1.0, "pos", "3"),
        (4.0, "pos", "4"),
    ],
)
def test_a_rating_becomes_a_class(rating: float, two: str | None, five: str) -> None:
    assert two_classes(Snippet("", rating)) == two
    assert five_classes(Snippet("", rating)) == five
