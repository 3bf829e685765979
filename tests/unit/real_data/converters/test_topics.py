"""Tables with Orange's three header lines are read."""

from pathlib import Path

import pytest

from real_data.converters.topics import FOLDER, read_topics
from real_data.errors import Unreadable

HEADER = "Category\tText\nd\tstring\nclass\t\n"


def package(tmp_path: Path, train: str) -> Path:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "news-train.tab").write_text(train)
    (tmp_path / FOLDER / "news-test.tab").write_text(f"{HEADER}\ntrade\tnot seen\n")
    return tmp_path


def test_header_and_blank_lines_are_no_samples(tmp_path: Path) -> None:
    parts = read_topics(package(tmp_path, f"{HEADER}\ntrade\texports fall\nship\ta port\n"), "news")
    assert parts == {"train": [("exports fall", "trade"), ("a port", "ship")], "test": [("not seen", "trade")]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("Category\tText\ntrade\texports\n", "news-train.tab:1: expected three header lines", id="header"),
        pytest.param(f"{HEADER}\ntrade\n", "news-train.tab:5: expected a category and a text, found 1", id="row"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read_topics(package(tmp_path, content), "news")
