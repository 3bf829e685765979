"""Where a CSV or TSV file has the columns that a task uses."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from llmtrain_trainer.data.bad_text import display_name
from llmtrain_trainer.data.personal_data import PersonalMasking
from llmtrain_trainer.data.record_values import shown
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.table_rows import Row, read_rows
from llmtrain_trainer.data.text_stream import open_stream
from llmtrain_trainer.errors import BadInput

SLICES = "slices"
"""Begins the settings of the columns in `spec.evaluation.slices`; all others are in `spec.data.columns`."""


def field_of(setting: str) -> str:
    """Return the field of the job that names a column."""
    return f"spec.{'evaluation' if setting.startswith(SLICES) else 'data.columns'}.{setting}"


class TableColumns(NamedTuple):
    """The places of columns."""

    positions: Sequence[int]
    """In the order in which they were asked for, from 0."""
    width: int
    """Columns of the table."""
    has_header: bool
    """Whether the first line has their names."""

    def values(self, fields: Sequence[str]) -> list[str] | str:
        """Return the values of a row, or why it has none."""
        if len(fields) != self.width:
            return f"{len(fields)} fields in a table of {self.width} columns"
        return [fields[position] for position in self.positions]


def find_columns(
    file: TextFile, format: str, wanted: Mapping[str, str], *, masking: PersonalMasking | None = None
) -> TableColumns:
    """Return where a table has columns, given by setting: by its header, or by number if it has none.

    BadInput, with the names that there are, if it lacks one: they may be a record, whose personal data are masked if there is a `masking`.
    """
    with open_stream(file) as stream:
        header = next(read_rows(stream, format), Row([], []))
    names = [name.removeprefix("\ufeff").strip() for name in header.fields]
    numbered = all(name.isdecimal() and 1 <= int(name) <= len(names) for name in wanted.values())
    if numbered and not all(
        names[int(name) - 1] == name for name in wanted.values()
    ):  # a header may consist of numbers
        return TableColumns([int(name) - 1 for name in wanted.values()], len(names), has_header=False)
    for setting, name in wanted.items():
        if name not in names:
            raise BadInput(
                f"{field_of(setting)}: '{display_name(file.name)}' has no column '{name}' in its first line; name one of "
                f"{shown(names, masking=masking)}, or number all columns from 1 if it has no such line"
            )
    return TableColumns([names.index(name) for name in wanted.values()], len(names), has_header=True)
