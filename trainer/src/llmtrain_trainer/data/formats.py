"""Formats of records, and which one a file has by its name and the task."""

from collections.abc import Mapping
from typing import Literal

from llmtrain_trainer.data.bad_text import display_name
from llmtrain_trainer.data.labels import LabelKind
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput

Format = Literal[
    "Auto", "Jsonl", "Csv", "Tsv", "Parquet", "LabelFolders", "Trees", "Conll", "Squad", "Parallel", "Gettext"
]
FORMATS_BY_END: dict[str, Format] = {
    ".jsonl": "Jsonl",
    ".ndjson": "Jsonl",
    ".csv": "Csv",
    ".tsv": "Tsv",
    ".parquet": "Parquet",
    ".conll": "Conll",
    ".trees": "Trees",
    ".po": "Gettext",
    ".mo": "Gettext",
}
TABLES: tuple[Format, ...] = ("Jsonl", "Csv", "Tsv", "Parquet")
"""Formats whose fields have names."""
RECORDS: Mapping[LabelKind, tuple[Format, ...]] = {
    "class": (*TABLES, "LabelFolders", "Trees", "Parallel"),
    "number": (*TABLES, "LabelFolders", "Trees", "Parallel"),
    "tags": (*TABLES, "Conll", "Parallel"),
    "span": ("Jsonl", "Squad"),
    "text": (*TABLES, "Parallel", "Gettext"),
}
"""Formats of records by the kind of their labels."""


def format_of(file: TextFile, format: Format, kind: LabelKind, texts: str, labels: str) -> Format:
    """Return the format of a file with records whose labels are of a `kind`: `format`, or by its name if that is Auto.

    Pairs are in Parallel if the file has the name of the column of `texts` or `labels`. BadInput if it has no format of such records.
    """
    if format == "Auto":
        format = _format_by_name(file, kind, texts, labels)
    if format == "LabelFolders" and not file.top_directory:
        raise _no_format(file, kind)
    return format


def pair_names(format: Format, kind: LabelKind, texts: str, labels: str) -> tuple[str, ...]:
    """Return the names of the files that are read together, those of `texts` and of `labels`; none if no files are."""
    by_name = format == "Auto" and kind == "text" and _format_by_end(texts, kind) is None
    return (texts, labels) if format == "Parallel" or by_name else ()


def _format_by_end(name: str, kind: LabelKind) -> Format | None:
    name = name.lower().removesuffix(".gz")
    found = FORMATS_BY_END.get(name[name.rindex(".") :]) if "." in name.rpartition("/")[2] else None
    return None if found in ("Trees", "Gettext") and found not in RECORDS[kind] else found


def _format_by_name(file: TextFile, kind: LabelKind, texts: str, labels: str) -> Format:
    found = _format_by_end(file.name, kind)
    if kind == "span":
        found = "Squad" if file.name.lower().removesuffix(".gz").endswith(".json") else found
    elif found is None:
        named = file.name.rpartition("/")[2] in (texts, labels)
        found = "Conll" if kind == "tags" else "Parallel" if kind == "text" and named else "LabelFolders"
    if found == "Conll" and kind != "tags":
        raise BadInput(
            f"spec.data.format: '{display_name(file.name)}' has a tag for each word, which only the task tagging learns; set "
            "spec.task.name to tagging, or remove the file"
        )
    if found not in RECORDS[kind]:
        raise _no_format(file, kind)
    return found


def _no_format(file: TextFile, kind: LabelKind) -> BadInput:
    """Return the error for a file that has no format, or one of records that the task does not learn from."""
    formats = {
        "span": "is no .json file in the layout of SQuAD, and no .jsonl file",
        "text": "is no .jsonl, .csv, .tsv or .parquet file, no .po or .mo file, and no file that spec.data.columns names",
        "tags": "is no .jsonl, .csv, .tsv, .parquet or .conll file",
    }
    of_labels = "is no .jsonl, .csv, .tsv or .parquet file and in no directory named by a label"
    return BadInput(
        f"spec.data.format: '{display_name(file.name)}' {formats.get(kind, of_labels)}; name the format of all files in "
        "spec.data.format, or remove the file"
    )
