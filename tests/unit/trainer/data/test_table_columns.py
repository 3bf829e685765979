"""The columns of a table are found by its header, or by number."""

from pathlib import Path

import pytest

from llmtrain_trainer.data.personal_data import BUILT_IN
from llmtrain_trainer.data.table_columns import TableColumns, find_columns
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import write

WANTED = {"text": "body", "label": "stars"}


def test_columns_are_found_by_the_names_in_the_first_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", b'\xef\xbb\xbf"stars", body ,id\n1,x,2\n')
    assert find_columns(file, "Csv", WANTED) == TableColumns([1, 0], 3, has_header=True)


def test_columns_of_a_table_without_names_are_numbers(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", "3\ttitle\ttext\n")
    assert find_columns(file, "Tsv", {"text": "3", "label": "1"}) == TableColumns([2, 0], 3, has_header=False)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    for content, names in (("id,body\n", "'id', 'body'"), ("", "none")):
        with pytest.raises(
            BadInput, match=rf"^spec\.data\.columns\.(label|text): 'a\.csv' has no column .* name one of {names}"
        ):
            find_columns(write(tmp_path / "a.csv", content), "Csv", WANTED)


def test_a_record_in_the_place_of_names_is_masked_before_it_is_cut(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", f"1,{'to ' * 17}jane@mail.example\n")
    with pytest.raises(BadInput, match=rf"name one of '1', '{'to ' * 17}\[EMAIL\]', or number"):
        find_columns(file, "Csv", WANTED, masking=BUILT_IN)


def test_a_row_of_another_width_has_no_values() -> None:
    columns = TableColumns([1, 0], 2, has_header=True)
    assert columns.values(["a", "b"]) == ["b", "a"]
    assert columns.values(["a"]) == "1 fields in a table of 2 columns"
