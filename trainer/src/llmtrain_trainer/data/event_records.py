"""Events: what a user did with an item and when, from each line of JSONL or each row of CSV, TSV or Parquet.

An event is read as a document: a JSON list of user, item and time in seconds. What is no event is a finding with file and line.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from llmtrain_trainer.data.bad_text import BadRecord, BadText, bad_record, display_name
from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.documents import BEGINNING, Piece, Start
from llmtrain_trainer.data.formats import FORMATS_BY_END, TABLES, Format
from llmtrain_trainer.data.labels import MAX_LABEL_CHARACTERS, number_in
from llmtrain_trainer.data.parquet import read_columns
from llmtrain_trainer.data.pieces import PIECE_CHARACTERS
from llmtrain_trainer.data.record_values import json_object, scalar, shown
from llmtrain_trainer.data.records import DocumentReader
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.table_columns import TableColumns, find_columns
from llmtrain_trainer.data.table_rows import Row, read_rows
from llmtrain_trainer.data.text_stream import TextStream, file_errors, open_stream
from llmtrain_trainer.data.tokenizer import END_OF_TEXT
from llmtrain_trainer.errors import BadInput

TABLE_ENDS = tuple(suffix for suffix, format in FORMATS_BY_END.items() if format in TABLES)
MAX_NAME_CHARACTERS = MAX_LABEL_CHARACTERS
"""The longest name of a user or an item."""


class Event(NamedTuple):
    """What a user did with an item, and when."""

    user: str
    item: str
    time: float
    """Seconds; only the order counts."""

    def encode(self) -> str:
        """Return the event as text."""
        return json.dumps(self, ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> "Event":
        """Return the event that `encode` wrote."""
        return cls(*json.loads(text))


@dataclass(frozen=True, kw_only=True)
class EventLayout:
    """How the files of a source hold events: the names of the fields or columns. Implements `Layout`."""

    user: str
    item: str
    time: str
    format: Format = "Auto"

    @property
    def columns(self) -> dict[str, str]:
        """The names by field of `spec.data.columns`."""
        return {"user": self.user, "item": self.item, "time": self.time}

    def format_of(self, file: TextFile) -> Format:
        """Return the format of a file. BadInput if it has none."""
        name = file.name.lower().removesuffix(".gz")
        if self.format == "Auto" and not name.endswith(TABLE_ENDS):
            raise BadInput(
                f"spec.data.format: '{display_name(file.name)}' is no .jsonl, .csv, .tsv or .parquet file; name the format of "
                "all files in spec.data.format, or remove the file"
            )
        return self.format if self.format != "Auto" else FORMATS_BY_END[name[name.rindex(".") :]]

    def reader(self, file: TextFile, column: str, piece_characters: int = PIECE_CHARACTERS) -> DocumentReader:
        """Return what reads the events of a file; each is one piece."""
        return EventReader(file=file, layout=self)

    def classes(self, label: str) -> Iterable[str]:
        """Return none: an event has no label."""
        return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EventReader:
    """Reads the events of one file."""

    file: TextFile
    layout: EventLayout

    @property
    def random_access(self) -> bool:
        """Whether reading can begin at any event."""
        return not self.file.name.lower().endswith(".gz") and self.layout.format_of(self.file) != "Parquet"

    def read(self, start: Start = BEGINNING, stop: int | None = None) -> Iterator[Piece | BadText]:
        """Yield the events from `start` up to the byte `stop`, and what is wrong with the next one before it.

        NotText if the file, or its rest, can't be used; BadInput if it may not be read or lacks a column.
        """
        format = self.layout.format_of(self.file)
        if format == "Parquet":
            with file_errors(self.file):
                for number, values in enumerate(read_columns(self.file, self.layout.columns), start=1):
                    texts = [None if value is None else value.decode("utf-8", "surrogateescape") for value in values]
                    yield from self._event(number, 0, texts, "")
            return
        columns = find_columns(self.file, format, self.layout.columns) if format != "Jsonl" else None
        with open_stream(self.file, start.offset, stop) as stream:
            if stream.guessed:
                yield stream.guessed
            rows = read_rows(stream, format, start.line)
            if columns and columns.has_header and not start.offset:
                next(rows)
            for row in rows:
                if row.fields or row.error:
                    yield from self._row(row, columns, stream)

    def _row(self, row: Row, columns: TableColumns | None, stream: TextStream) -> Iterator[Piece | BadText]:
        first, number = row.lines[0], row.lines[0].number
        found: Sequence[str | None] | str = row.error
        others = ""
        if columns is not None and not row.error:
            found = columns.values(row.fields)
        elif not row.error:
            record = json_object(row.fields[0])
            found = "not a JSON object"
            if record is not None:
                found = [scalar(record.get(name)) for name in self.layout.columns.values()]
                others = f"; the object has {shown(list(record))}"
        if isinstance(found, str):
            yield self._bad(number, found, "brokenRecord")
            return
        raw = "".join(line.text for line in row.lines)
        _, replaced, place = repair(raw)
        if replaced:
            before = first.offset - len(stream.encoding.encode(first.text))
            at = before + len(stream.encoding.encode(raw[:place]))
            yield self._invalid(number, f"not {stream.encoding.codec.upper()}", replaced, at)
        yield from self._event(number, row.lines[-1].offset, found, others, counted=bool(replaced))

    def _event(
        self, number: int, offset: int, values: Sequence[str | None], others: str, *, counted: bool = False
    ) -> Iterator[Piece | BadText]:
        """Yield the event of a record that ends at `offset`, and what is invalid in it; or why it is none."""
        repaired = [repair(value or "")[:2] for value in values]
        user, item, when = (text.strip() for text, _ in repaired)
        columns, of_user, of_item = self.layout.columns, _problem(user), _problem(item)
        if of_user is not None:
            yield self._bad(number, f"no user{of_user} in '{columns['user']}'{others}", "noUser")
        elif of_item is not None:
            yield self._bad(number, f"no item{of_item} in '{columns['item']}'{others}", "noItem")
        elif (time := seconds(when)) is None:
            shown = f", but '{when[:64]}'" if when else others
            yield self._bad(number, f"no number of seconds or date in '{columns['time']}'{shown}", "noTime")
        else:
            if not counted and (replaced := sum(count for _, count in repaired)):
                yield self._invalid(number, "invalid characters in the record", replaced)
            yield Piece(Event(user, item, time).encode(), True, offset, number)

    def _bad(self, number: int, reason: str, record: BadRecord) -> BadText:
        return bad_record(self.file.name, number, reason, record)

    def _invalid(self, number: int, reason: str, replaced: int, offset: int | None = None) -> BadText:
        name = display_name(self.file.name)
        return BadText(file=name, reason=reason, line=number, replaced=replaced, offset=offset)


def _problem(name: str) -> str | None:
    """Return what the name of a user or an item should be, if it is not."""
    if len(name) > MAX_NAME_CHARACTERS:
        return f" of at most {MAX_NAME_CHARACTERS} characters"
    if name == END_OF_TEXT:
        return f" other than {END_OF_TEXT}"
    return None if name else ""


def seconds(text: str) -> float | None:
    """Return a time as seconds: a number as it is, or a date by ISO 8601, in UTC unless it names a zone. None if it is neither."""
    number = number_in(text)
    if math.isnan(number):
        try:
            date = datetime.fromisoformat(text)
        except ValueError:
            return None
        number = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return number if math.isfinite(number) else None
