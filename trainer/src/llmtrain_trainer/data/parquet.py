"""Rows of a Parquet file, read in batches. pyarrow is an extra, because it takes 150 MB and most text needs none of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from llmtrain_trainer.data.bad_text import NotText, display_name
from llmtrain_trainer.data.labels import LabelKind
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.table_columns import SLICES, field_of
from llmtrain_trainer.errors import BadInput

ValueT = TypeVar("ValueT")
BATCH_ROWS = 256
BUFFER_BYTES = 2**20


def read_rows(file: TextFile, column: str) -> Iterator[bytes | None]:
    """Yield the text of each row in UTF-8; None where there is none. Errors are those of `read_columns`."""
    return (text for (text,) in read_columns(file, {"text": column}))


def read_columns(file: TextFile, columns: Mapping[str, str]) -> Iterator[tuple[bytes | None, ...]]:
    """Yield the values of each row in UTF-8, in the order of `columns`: names by setting, see `field_of`.

    A value that is missing is None. NotText if the file is damaged or no Parquet file; BadInput if it lacks a column, or pyarrow
    is not installed.
    """
    return _rows(file, columns, _in_utf8)


def read_values(file: TextFile, columns: Mapping[str, str], labels: LabelKind) -> Iterator[tuple[object, ...]]:
    """Yield the same as text, for records with `labels` of a kind: these may be numbers, or tags, which may be lists.

    Invalid bytes are surrogates.
    """
    return _rows(file, columns, _as_texts, labels)


def _rows(
    file: TextFile,
    columns: Mapping[str, str],
    values_of: Callable[[Any, Any], list[ValueT]],
    labels: LabelKind = "class",
) -> Iterator[tuple[ValueT, ...]]:
    name = display_name(file.name)
    pyarrow, parquet = _pyarrow(name)
    wanted = list(columns.values())  # one may be there twice
    try:
        with parquet.ParquetFile(file.path, buffer_size=BUFFER_BYTES, pre_buffer=False) as rows:
            for setting, column in columns.items():
                _check_column(rows.schema_arrow, name, setting, column, pyarrow, labels)
            for batch in rows.iter_batches(
                batch_size=BATCH_ROWS, columns=list(dict.fromkeys(wanted)), use_threads=False
            ):
                yield from zip(*(values_of(batch.column(column), pyarrow) for column in wanted), strict=True)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the volume, not the content
        raise NotText(f"damaged Parquet data: {(str(error).splitlines() or [''])[0]}") from error


def _in_utf8(values: Any, pyarrow: Any) -> list[bytes | None]:
    """Return the values of a column; those that are no texts as they are written, such as b"4"."""
    if not (pyarrow.types.is_binary(values.type) or pyarrow.types.is_large_binary(values.type)):
        values = values.cast(pyarrow.large_string())
    found: list[bytes | None] = values.cast(pyarrow.large_binary()).to_pylist()
    return found


def _as_texts(values: Any, pyarrow: Any) -> list[object]:
    """Return the values of a column as text, or lists of text."""
    if _is_list(values.type, pyarrow):
        values = values.cast(pyarrow.large_list(pyarrow.large_string())).cast(
            pyarrow.large_list(pyarrow.large_binary())
        )
        return [value and [_decoded(element) for element in value] for value in values.to_pylist()]
    return [_decoded(value) for value in _in_utf8(values, pyarrow)]


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogateescape")


def _is_list(kind: Any, pyarrow: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _pyarrow(name: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadInput(
            f"spec.data.source.path: '{name}' is a Parquet file, which needs the package pyarrow; use an image with the "
            "extra llmtrain[parquet], or convert the file to JSONL"
        ) from error
    return pyarrow, pyarrow.parquet


def _check_column(schema: Any, name: str, setting: str, column: str, pyarrow: Any, labels: LabelKind) -> None:
    types, names = pyarrow.types, ", ".join(schema.names)
    if column not in schema.names:
        raise BadInput(f"{field_of(setting)}: '{name}' has no column '{column}'; name one of {names}")
    kind = schema.field(column).type
    if labels == "tags" and _is_list(kind, pyarrow):
        kind = kind.value_type
    kinds = [types.is_string, types.is_large_string, types.is_string_view]
    kinds += [types.is_binary, types.is_large_binary, types.is_binary_view, types.is_dictionary]
    if setting != "text":
        kinds += [types.is_integer, types.is_boolean]
    if setting == "time":
        kinds += [types.is_floating, types.is_temporal]
    if (setting == "label" and labels == "number") or setting.startswith(SLICES):
        kinds += [types.is_floating, types.is_decimal]
    if not any(is_kind(kind) for is_kind in kinds):
        raise BadInput(
            f"{field_of(setting)}: '{name}' has no {setting} in column '{column}', but {schema.field(column).type}; name one of {names}"
        )
