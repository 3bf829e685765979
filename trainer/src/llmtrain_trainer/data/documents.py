"""The documents of a file, in pieces of bounded size: plain text, JSONL or Parquet, compressed by gzip or not.

The name of a file chooses its format: `.jsonl` and `.ndjson` hold one document in each line, `.parquet` one in each row;
any other file is one document. `.gz` after that is decompressed. A reader yields the same pieces each time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrain_trainer.data.bad_text import BadText, display_name
from llmtrain_trainer.data.decoding import Encoding, repair
from llmtrain_trainer.data.parquet import read_rows
from llmtrain_trainer.data.personal_data import BUILT_IN, NOTHING, Masked, PersonalMasking, mask
from llmtrain_trainer.data.pieces import PIECE_CHARACTERS, SAFE, cut_pieces
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.text_stream import MAX_LINE_CHARACTERS, TextStream, file_errors, lines, open_stream

LINE_ENDS = (".jsonl", ".ndjson")

JSON = json.JSONDecoder(parse_int=float)
"""Python refuses to convert integers of more than 4300 digits, which are valid JSON."""


class Piece(NamedTuple):
    """A part of a document."""

    text: str
    last: bool
    """Whether the document ends here."""
    offset: int
    """Bytes of the file up to the end of this piece; for JSONL to the end of its line."""
    line: int
    """The line or row of the document, from 1; 0 in plain text."""
    label: str = ""
    """The label of the record that the document is; empty if it is none."""
    masked: Mapping[str, int] = NOTHING
    """How often each kind of personal data was masked in it."""
    slices: tuple[str, ...] = ()
    """Its values in the columns by which held-out records are judged."""


class Start(NamedTuple):
    """A place in a file where reading can begin: at the end of a piece."""

    offset: int = 0
    line: int = 0
    """Lines before it."""


BEGINNING = Start()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Reads documents of one file."""

    file: TextFile
    column: str
    """Name of the field of JSON objects, or of the column of Parquet files, that holds the text."""
    piece_characters: int = PIECE_CHARACTERS
    masking: PersonalMasking | None = None
    """How personal data are masked; None if they are kept."""

    @property
    def random_access(self) -> bool:
        """Whether reading can begin at any piece."""
        return not self.file.name.lower().endswith((".gz", ".parquet"))

    def read(self, start: Start = BEGINNING, stop: int | None = None) -> Iterator[Piece | BadText]:
        """Yield the pieces from `start` up to the byte `stop`, and what is wrong with the next one before it.

        NotText if the file, or its rest, can't be used; BadInput if it may not be read or lacks the column.
        """
        if self.file.name.lower().endswith(".parquet"):
            with file_errors(self.file):
                yield from self._values(enumerate(read_rows(self.file, self.column), start=1))
        else:
            with open_stream(self.file, start.offset, stop) as stream:
                yield from self._read_stream(stream, start, stop)

    def _read_stream(self, stream: TextStream, start: Start, stop: int | None) -> Iterator[Piece | BadText]:
        if stream.guessed:
            yield stream.guessed
        if self._holds_lines():
            yield from self._read_lines(stream.blocks, stream.encoding, Start(stream.first, start.line))
        else:
            yield from self._read_text(stream.blocks, stream.encoding, stream.first, complete=stop is None)

    def _holds_lines(self) -> bool:
        name = self.file.name.lower()
        return name.removesuffix(".gz").endswith(LINE_ENDS) or name.endswith(".json.gz")

    def _read_text(
        self, blocks: Iterable[str], encoding: Encoding, offset: int, *, complete: bool
    ) -> Iterator[Piece | BadText]:
        for raw, last in cut_pieces(blocks, self.piece_characters, self.masking.safe if self.masking else SAFE):
            text, replaced, first = repair(raw)
            if replaced:
                yield self._invalid(encoding, offset + len(encoding.encode(raw[:first])), replaced)
            offset += len(encoding.encode(raw))
            text, masked = self._masked(text)
            yield Piece(text, last and complete, offset, 0, masked=masked)

    def _read_lines(self, blocks: Iterable[str], encoding: Encoding, start: Start) -> Iterator[Piece | BadText]:
        (offset, number), continued = start, False
        for raw in lines(blocks):
            before, offset = offset, offset + len(encoding.encode(raw))
            number += not continued
            if len(raw) > MAX_LINE_CHARACTERS and not continued:
                yield self._bad_line(number, f"longer than {MAX_LINE_CHARACTERS} characters")
            elif not continued and raw.strip():
                value, (_, replaced, first) = _value(raw, self.column), repair(raw)
                if replaced and value is not None:
                    yield self._invalid(encoding, before + len(encoding.encode(raw[:first])), replaced, number)
                yield from self._document(value, offset, number, counted=bool(replaced))
            continued = not raw.endswith("\n")

    def _values(self, rows: Iterable[tuple[int, bytes | None]]) -> Iterator[Piece | BadText]:
        for number, value in rows:
            if value is None:
                yield self._bad_line(number, f"no text in column '{self.column}'")
            else:
                yield from self._document(value.decode("utf-8", "surrogateescape"), 0, number, counted=False)

    def _document(self, value: str | None, offset: int, number: int, *, counted: bool) -> Iterator[Piece | BadText]:
        if value is None:
            yield self._bad_line(number, f"not a JSON object with a text in '{self.column}'")
            return
        text, replaced, _ = repair(value)
        if replaced and not counted:
            reason = "invalid characters in the text"
            yield BadText(file=display_name(self.file.name), reason=reason, line=number, replaced=replaced)
        text, masked = self._masked(text)
        for piece, last in cut_pieces([text], self.piece_characters):
            yield Piece(piece, last, offset, number, masked=masked)
            masked = NOTHING

    def _masked(self, text: str) -> Masked:
        return mask(text, self.masking) if self.masking else Masked(text, NOTHING)

    def _invalid(self, encoding: Encoding, offset: int, replaced: int, line: int | None = None) -> BadText:
        reason = f"not {encoding.codec.upper()}"
        return BadText(file=display_name(self.file.name), reason=reason, offset=offset, replaced=replaced, line=line)

    def _bad_line(self, number: int, reason: str) -> BadText:
        return BadText(file=display_name(self.file.name), reason=reason, line=number)


@dataclass(frozen=True, kw_only=True)
class MaskedDocuments:
    """How the files of a source hold documents whose personal data are masked. Implements `Layout`."""

    masking: PersonalMasking = field(default=BUILT_IN, repr=False)
    """Not in this text, of which the key of a source is made: its patterns are a part of their own."""

    def reader(self, file: TextFile, column: str, piece_characters: int = PIECE_CHARACTERS) -> Reader:
        """Return what reads the documents of a file."""
        return Reader(file=file, column=column, piece_characters=piece_characters, masking=self.masking)

    def classes(self, label: str) -> Iterable[str]:
        """Return none: a document has no label."""
        return ()


def _value(line: str, column: str) -> str | None:
    """Return the text in a line of JSON; None if there is none."""
    try:
        record = JSON.decode(line.removeprefix("\ufeff"))  # files with marks may have been joined
    except (ValueError, RecursionError):
        return None
    value = record.get(column) if isinstance(record, dict) else None
    return value if isinstance(value, str) else None
