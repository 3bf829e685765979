"""The records of a file: a text and its label from each line of JSONL, each row of CSV, TSV or Parquet, each sentence of
CoNLL, each tree, each line of two files or message of a catalogue, or each file of a folder.

A record is read as a document whose pieces have the label. What is no record is a finding with file and line.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from llmtrain_trainer.data.bad_text import BadRecord, BadText, NotText, bad_record, display_name
from llmtrain_trainer.data.catalogues import read_catalogue
from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.documents import BEGINNING, Piece, Reader, Start
from llmtrain_trainer.data.formats import Format, format_of
from llmtrain_trainer.data.labels import LabelKind, classes_in, problem_with_label
from llmtrain_trainer.data.masked_records import mask_record
from llmtrain_trainer.data.parallel import read_pairs
from llmtrain_trainer.data.parquet import read_values
from llmtrain_trainer.data.personal_data import NOTHING, Masked, PersonalMasking, mask, shown_text
from llmtrain_trainer.data.pieces import PIECE_CHARACTERS, SAFE, cut_pieces
from llmtrain_trainer.data.question_records import question_in, read_squad
from llmtrain_trainer.data.record_values import Values, joined_list, json_object, repaired, scalar, shown
from llmtrain_trainer.data.slice_columns import require_columns, require_slices, slice_values, sliced_by
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.table_columns import SLICES, find_columns
from llmtrain_trainer.data.table_rows import Row, read_rows
from llmtrain_trainer.data.tagged_words import words_in
from llmtrain_trainer.data.text_stream import MAX_LINE_CHARACTERS, TextStream, file_errors, open_stream


class DocumentReader(Protocol):
    """Reads the documents of one file, or its records."""

    @property
    def random_access(self) -> bool:
        """Whether reading can begin at any place where `read` stopped."""

    def read(self, start: Start = BEGINNING, stop: int | None = None) -> Iterator[Piece | BadText]:
        """Yield the pieces from `start` up to the byte `stop`, and what is wrong with the next one before it."""


class Layout(Protocol):
    """How the files of a source hold records of a kind."""

    def reader(self, file: TextFile, column: str, piece_characters: int = PIECE_CHARACTERS) -> DocumentReader:
        """Return what reads the records of a file, whose texts are in `column`."""

    def classes(self, label: str) -> Iterable[str]:
        """Return the classes or tags in a label, which are counted."""


@dataclass(frozen=True, kw_only=True)
class RecordLayout:
    """How the files of a source hold records that have a text and a label. Implements `Layout`."""

    label: str
    """Name of the field or column with the label."""
    format: Format = "Auto"
    kind: LabelKind = "class"
    """What a label is."""
    question: str = "question"
    """Name of the field with the question, if labels are answers."""
    masking: PersonalMasking | None = field(default=None, repr=False)
    """How personal data are masked; None if they are kept. Not in this text, like `slices`."""
    slices: tuple[str, ...] = field(default=(), repr=False)
    """Names of the fields or columns by which held-out records are judged. Without them the key of a source, which is made of
    this text, stays what it was."""

    def format_of(self, file: TextFile, column: str) -> Format:
        """Return the format of a file whose texts are in `column`. BadInput if it has none."""
        return format_of(file, self.format, self.kind, column, self.label)

    def reader(self, file: TextFile, column: str, piece_characters: int = PIECE_CHARACTERS) -> DocumentReader:
        """Return what reads the records of a file."""
        return RecordReader(file=file, column=column, layout=self, piece_characters=piece_characters)

    @property
    def columns(self) -> Mapping[str, str]:
        """The names of the columns beside the text by setting, see `field_of`."""
        of_slices = {f"{SLICES}[{number}]": name for number, name in enumerate(self.slices)}
        return {"label": self.label, **of_slices}

    def classes(self, label: str) -> Iterable[str]:
        """Return the classes or tags in a label; none in a number."""
        return classes_in(label, self.kind)


def reader_of(
    file: TextFile, column: str, records: Layout | None, piece_characters: int = PIECE_CHARACTERS
) -> DocumentReader:
    """Return what reads the documents of a file, or its records if there is a layout of those."""
    if records is None:
        return Reader(file=file, column=column, piece_characters=piece_characters)
    return records.reader(file, column, piece_characters)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordReader:
    """Reads records of one file."""

    file: TextFile
    column: str
    """Name of the field or column that holds the text."""
    layout: RecordLayout
    piece_characters: int = PIECE_CHARACTERS

    @property
    def random_access(self) -> bool:
        """Whether reading can begin at any record."""
        format = self.layout.format_of(self.file, self.column)
        return not self.file.name.lower().endswith(".gz") and format in ("Jsonl", "Csv", "Tsv", "Conll", "Trees")

    def read(self, start: Start = BEGINNING, stop: int | None = None) -> Iterator[Piece | BadText]:
        """Yield the pieces of records from `start` up to the byte `stop`, and what is wrong with the next one before it.

        NotText if the file, or its rest, can't be used; BadInput if it may not be read or lacks a column.
        """
        format = self.layout.format_of(self.file, self.column)
        require_columns(self.layout.slices, self.file, format)
        if format == "LabelFolders":
            yield from self._read_file()
        elif format == "Squad":
            yield from read_squad(self.file, self.layout.slices, masking=self.layout.masking)
        elif format == "Parquet":
            with file_errors(self.file):
                yield from self._read_parquet()
        elif format == "Gettext":
            with file_errors(self.file):
                for message in read_catalogue(self.file):
                    yield from self._record(message.number, 0, Values(message.source, message.target), None)
        elif format == "Parallel":
            yield from self._read_parallel()
        else:
            yield from self._read_rows(format, start, stop)

    def _read_rows(self, format: Format, start: Start, stop: int | None) -> Iterator[Piece | BadText]:
        wanted = {"text": self.column, **self.layout.columns}
        is_table, masking = format in ("Csv", "Tsv"), self.layout.masking
        columns = find_columns(self.file, format, wanted, masking=masking) if is_table else None
        values = columns.values if columns else list if format in ("Conll", "Trees") else self._values
        with open_stream(self.file, start.offset, stop) as stream:
            if stream.guessed:
                yield stream.guessed
            rows = read_rows(stream, format, start.line)
            if columns and columns.has_header and not start.offset:
                next(rows)
            for row in rows:
                if self.layout.kind == "span" and row.fields:
                    yield from self._question_in(row, stream)
                elif row.fields or row.error:
                    yield from self._row(row, values, stream)

    def _read_parallel(self) -> Iterator[Piece | BadText]:
        for found in read_pairs(self.file, self.column, self.layout.label):
            if isinstance(found, BadText):
                yield found
            elif found.text is None or found.label is None:
                yield self._bad(found.line, f"longer than {MAX_LINE_CHARACTERS} characters", "brokenRecord")
            else:
                yield from self._record(found.line, 0, Values(found.text, found.label), None)

    def _read_parquet(self) -> Iterator[Piece | BadText]:
        columns = {"text": self.column, **self.layout.columns}
        for number, row in enumerate(read_values(self.file, columns, self.layout.kind), start=1):
            found = self._found(dict(zip(columns.values(), row, strict=True)))
            if isinstance(found, str):
                yield self._bad(number, found, "brokenRecord")
            else:
                yield from self._record(number, 0, found, None)

    def _read_file(self) -> Iterator[Piece | BadText]:
        """Yield the pieces of a file that is a text in a directory with the name of its label. NotText if it is empty."""
        label, empty = display_name(self.file.top_directory).strip(), True
        if problem := problem_with_label(label, self.layout.kind):
            raise NotText(f"{problem.reason} in the name of the directory", record=problem.record)
        with open_stream(self.file) as stream:
            if stream.guessed:
                yield stream.guessed
            offset = stream.first
            masking = self.layout.masking
            for raw, last in cut_pieces(stream.blocks, self.piece_characters, masking.safe if masking else SAFE):
                text, replaced, first = repair(raw)
                if replaced:
                    at = offset + len(stream.encoding.encode(raw[:first]))
                    yield self._invalid(stream, at, replaced)
                offset += len(stream.encoding.encode(raw))
                empty = empty and not text.strip()
                if last and empty:
                    break
                text, masked = mask(text, masking) if masking else Masked(text, NOTHING)
                yield Piece(text, last, offset, 0, label, masked)
        if empty:
            raise NotText("no text in the file", record="noText")

    def _row(
        self, row: Row, values: "Callable[[list[str]], Values | list[str] | str]", stream: TextStream
    ) -> Iterator[Piece | BadText]:
        number = row.lines[0].number
        found: Values | list[str] | str = row.error or values(row.fields)
        if isinstance(found, str):
            yield self._bad(number, found, "brokenRecord")
            return
        if not isinstance(found, Values):
            text, label, *slices = found
            found = Values(text, label, slices=tuple(sliced_by(value, masking=self.layout.masking) for value in slices))
        yield from self._record(number, row.lines[-1].offset, found, self._invalid_bytes(row, stream))

    def _invalid_bytes(self, row: Row, stream: TextStream) -> BadText | None:
        """Return the finding of the bytes of a row that are no text; None if all are."""
        first, raw = row.lines[0], "".join(line.text for line in row.lines)
        _, replaced, place = repair(raw)
        if not replaced:
            return None
        before = first.offset - len(stream.encoding.encode(first.text))
        return self._invalid(stream, before + len(stream.encoding.encode(raw[:place])), replaced, first.number)

    def _record(self, number: int, offset: int, found: "Values", invalid: BadText | None) -> Iterator[Piece | BadText]:
        """Yield the pieces of a record that ends at `offset`, and what is `invalid` in it; or why it is none."""
        (text, replaced), label = repaired(found.text), repaired(found.label)[0].strip()
        if self.layout.kind == "tags":
            text, label = (" ".join(words_in(value)) for value in (text, label))
        if not text.strip():
            yield self._bad(number, f"no text in '{self.column}'{found.others if found.text is None else ''}", "noText")
        elif problem := problem_with_label(label, self.layout.kind, text):
            others = found.others if found.label is None else ""
            yield self._bad(number, f"{problem.reason} in '{self.layout.label}'{others}", problem.record)
        else:
            name, columns = display_name(self.file.name), self.layout.slices
            slices = require_slices(found.slices, columns, self.file, number, found.others)
            if invalid or replaced:
                reason = "invalid characters in the text"
                yield invalid or BadText(file=name, reason=reason, line=number, replaced=replaced)
            masked: Mapping[str, int] = NOTHING
            if self.layout.masking:
                text, label, masked = mask_record(text, label, self.layout.kind, self.layout.masking)
            tagged = self.layout.kind == "tags"  # words are not cut, because each has its tag
            for piece, last in [(text, True)] if tagged else cut_pieces([text], self.piece_characters):
                yield Piece(piece, last, offset, number, label, masked, slices)
                masked = NOTHING

    def _question_in(self, row: Row, stream: TextStream) -> Iterator[Piece | BadText]:
        """Yield the question in a line of JSON, and what is invalid in it; or why it is none."""
        record, number = json_object(row.fields[0]), row.lines[0].number
        if record is None:
            yield self._bad(number, "not a JSON object", "brokenRecord")
            return
        fields = {"question": self.layout.question, "context": self.column, "answers": self.layout.label}
        slices, offset = self.layout.slices, row.lines[-1].offset
        found = question_in(
            record, fields, self.file, number, slices=slices, offset=offset, masking=self.layout.masking
        )
        invalid = self._invalid_bytes(row, stream)
        if invalid and isinstance(found, Piece):
            yield invalid
        yield found

    def _values(self, fields: list[str]) -> "Values | str":
        """Return the values in a line of JSON, or why there are none."""
        record = json_object(fields[0])
        if record is None:
            return "not a JSON object"
        return self._found(record, f"; the object has {shown(list(record), masking=self.layout.masking)}")

    def _found(self, record: Mapping[str, object], others: str = "") -> "Values | str":
        """Return the values in an object, or why there are none."""
        found: dict[str, str | None] = {}
        for name in (self.column, self.layout.label):
            value = record.get(name)
            found[name] = scalar(value)
            if self.layout.kind == "tags" and isinstance(value, list):
                found[name] = joined_list(value)
                if found[name] is None:
                    return f"an element of '{name}' that is no text, empty, or has whitespace"
        slices = slice_values(record, self.layout.slices, masking=self.layout.masking)
        return Values(found[self.column], found[self.layout.label], others, slices)

    def _bad(self, number: int, reason: str, record: BadRecord) -> BadText:
        return bad_record(self.file.name, number, shown_text(reason, masking=self.layout.masking), record)

    def _invalid(self, stream: TextStream, offset: int, replaced: int, line: int | None = None) -> BadText:
        reason = f"not {stream.encoding.codec.upper()}"
        return BadText(file=display_name(self.file.name), reason=reason, offset=offset, replaced=replaced, line=line)
