"""Held-out files are chosen by a hash of their name, so a file stays in its split; neither split is empty."""

import pytest

from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.split import split


def files(count: int) -> list[TextFile]:
    return [TextFile(name=f"file-{number}", content=f"text {number}".encode()) for number in range(count)]


def test_about_the_requested_percentage_is_held_out() -> None:
    parts = split(files(2000), 10)
    assert 150 < len(parts.held_out) < 250
    assert len(parts.training) + len(parts.held_out) == 2000


def test_a_file_stays_in_its_split_when_others_are_added() -> None:
    before, after = split(files(500), 10), split(files(1000), 10)
    assert set(before.held_out) <= set(after.held_out)


@pytest.mark.parametrize("percent", [1, 50])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_few_files_are_split_into_two_nonempty_parts(count: int, percent: int) -> None:
    parts = split(files(count), percent)
    assert parts.training
    assert parts.held_out


def test_a_single_file_is_cut_at_a_line_end() -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    parts = split([TextFile(name="all", content=text.encode())], 10)
    assert parts.training[0] + parts.held_out[0] == text
    assert parts.training[0].endswith("\n")
    assert 8 <= parts.held_out[0].count("\n") <= 12


def test_files_that_are_not_text_are_counted() -> None:
    parts = split([*files(3), TextFile(name="image", content=b"\xff\xd8\xff")], 10)
    assert parts.undecodable == 1
    assert len(parts.training) + len(parts.held_out) == 3
