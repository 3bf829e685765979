"""Rows of a Parquet file, read in batches. pyarrow is an extra, because it takes 150 MB and most text needs none of it."""

from collections.abc import Iterator
from typing import Any

from llmtrain_trainer.data.bad_text import NotText, display_name
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput

BATCH_ROWS = 256
BUFFER_BYTES = 2**20


def read_rows(file: TextFile, column: str) -> Iterator[bytes | None]:
    """Yield the text of each row in UTF-8; None where there is none.

    NotText if the file is damaged or no Parquet file; BadInput if it has no such column, or pyarrow is not installed.
    """
    name = display_name(file.name)
    pyarrow, parquet = _pyarrow(name)
    try:
        with parquet.ParquetFile(file.path, buffer_size=BUFFER_BYTES, pre_buffer=False) as rows:
            _check_column(rows.schema_arrow, name, column, pyarrow)
            for batch in rows.iter_batches(batch_size=BATCH_ROWS, columns=[column], use_threads=False):
                yield from batch.column(0).cast(pyarrow.large_binary()).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the volume, not the content
        raise NotText(f"damaged Parquet data: {(str(error).splitlines() or [''])[0]}") from error


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


def _check_column(schema: Any, name: str, column: str, pyarrow: Any) -> None:
    types, names = pyarrow.types, ", ".join(schema.names)
    if column not in schema.names:
        raise BadInput(f"spec.data.columns.text: '{name}' has no column '{column}'; name one of {names}")
    kind = schema.field(column).type
    if not (
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    ):
        raise BadInput(
            f"spec.data.columns.text: '{name}' has no text in column '{column}', but {kind}; name one of {names}"
        )
