"""The columns by which held-out records are judged: the values of a record, and files that can't have such columns."""

from collections.abc import Mapping, Sequence

from llmtrain_api.tasks import COLUMN_FORMATS
from llmtrain_trainer.data.bad_text import display_name
from llmtrain_trainer.data.labels import MAX_LABEL_CHARACTERS
from llmtrain_trainer.data.personal_data import PersonalMasking, shown_text
from llmtrain_trainer.data.record_values import repaired, scalar
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput


def sliced_by(value: str | None, *, masking: PersonalMasking | None = None) -> str:
    """Return the value of a column as records are judged by it: its beginning; empty if it is missing, a list or an object.

    Personal data in it are masked if there is a `masking`.
    """
    return shown_text(repaired(value)[0].strip(), masking=masking)[:MAX_LABEL_CHARACTERS]


def slice_values(
    record: Mapping[str, object], columns: Sequence[str], *, masking: PersonalMasking | None = None
) -> tuple[str | None, ...]:
    """Return the values of a record in the columns by which it is judged; None for one that it does not have."""
    return tuple(sliced_by(scalar(record[name]), masking=masking) if name in record else None for name in columns)


def require_slices(
    values: Sequence[str | None], columns: Sequence[str], file: TextFile, line: int, others: str
) -> tuple[str, ...]:
    """Return the values. BadInput, with what there is in the place of others, if one is missing."""
    for place, (name, value) in enumerate(zip(columns, values, strict=True)):
        if value is None:
            raise BadInput(
                f"spec.evaluation.slices[{place}]: '{display_name(file.name)}', record {line}: no field '{name}'{others}; name one "
                "that every record has, or add it, empty where it is not known"
            )
    return tuple(value for value in values if value is not None)


def require_columns(columns: Sequence[str], file: TextFile, format: str) -> None:
    """BadInput if records are judged by columns, and the format of the file has none."""
    if columns and format not in COLUMN_FORMATS:
        raise BadInput(
            f"spec.evaluation.slices: '{display_name(file.name)}' is read as {format}, whose records have a text and a label alone; "
            "write them as JSONL, or remove spec.evaluation.slices"
        )
