"""Two files of lines: line n of the one is a text, line n of the other its label, such as its translation."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from llmtrain_trainer.data.bad_text import BadText, NotText, display_name
from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.table_rows import Row, read_rows
from llmtrain_trainer.data.text_stream import open_stream
from llmtrain_trainer.errors import BadInput


class Pair(NamedTuple):
    """A line of each file; None if it is longer than a line may be."""

    text: str | None
    label: str | None
    line: int


def read_pairs(file: TextFile, text: str, label: str) -> Iterator[Pair | BadText]:
    """Yield the lines of a file whose name is `text` with those of the file `label` beside it, but for those that are empty in both.

    Nothing if the file is the other one. NotText if they have not as many lines; BadInput if a file is missing or has another name.
    """
    path = PurePosixPath(file.name)
    _require_name(text, "text")
    _require_name(label, "label")
    if path.name == label != text:
        _require_beside(file, text, "text")
        return
    if path.name != text:
        raise BadInput(
            f"spec.data.format: '{display_name(file.name)}' is neither spec.data.columns.text nor spec.data.columns.label, which name "
            f"the files with format Parallel: '{text}' and '{label}'; correct them, or remove the file"
        )
    other = _require_beside(file, label, "label")
    with open_stream(file) as texts, open_stream(other) as labels:
        yield from (stream.guessed for stream in (texts, labels) if stream.guessed)
        for row, of_label in zip_longest(read_rows(texts, "Jsonl"), read_rows(labels, "Jsonl")):
            if row is None or of_label is None:
                name, longer = (label, of_label) if row is None else (text, row)
                raise NotText(
                    f"'{text}' and '{label}' have not as many lines: only '{name}' has a line {longer.lines[0].number}",
                    record="brokenRecord",
                )
            yield from _pair(row, other, of_label, labels.encoding.codec)


def _require_name(name: str, column: str) -> None:
    """Raise BadInput if `name` is no name of a file that is listed, which is no path and not hidden."""
    if "/" in name or name.startswith("."):
        raise BadInput(
            f"spec.data.columns.{column}: '{name}' must be a file name without / and without . at its beginning, because "
            "format Parallel reads two files of one directory; give the name alone, and put the files beside each other"
        )


def _require_beside(file: TextFile, name: str, column: str) -> TextFile:
    """Return the file `name` in the directory of `file`. BadInput if there is none."""
    other = replace(file, name=str(PurePosixPath(file.name).with_name(name)))
    if not Path(other.path).is_file():
        raise BadInput(
            f"spec.data.columns.{column}: there is no file '{name}' beside '{display_name(file.name)}'; name the file with the "
            "other lines, or put it there"
        )
    return other


def _pair(row: Row, other: TextFile, of_label: Row, codec: str) -> Iterator[Pair | BadText]:
    """Yield the pair of two lines unless both are empty, and what is invalid in the label."""
    if not (row.fields or row.error or of_label.fields or of_label.error):
        return
    text, label = (None if each.error else "".join(each.fields) for each in (row, of_label))
    number = row.lines[0].number
    _, replaced, _ = repair(label or "")
    if replaced:
        yield BadText(file=display_name(other.name), reason=f"not {codec.upper()}", line=number, replaced=replaced)
    yield Pair(text, label, number)
