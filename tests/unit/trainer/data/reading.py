"""Helpers for tests that read text files: a file of the source, its documents, and its records."""

from pathlib import Path

from llmtrain_trainer.data.bad_text import BadText
from llmtrain_trainer.data.documents import BEGINNING, Reader, Start
from llmtrain_trainer.data.records import RecordLayout, RecordReader
from llmtrain_trainer.data.source import TextFile


def text_file(path: Path) -> TextFile:
    status = path.stat()
    return TextFile(
        root=str(path.parent),
        name=path.name,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        changed_ns=status.st_ctime_ns,
    )


def write(path: Path, content: bytes | str) -> TextFile:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return text_file(path)


def read(file: TextFile, column: str = "text", piece_characters: int = 2**17) -> tuple[list[str], list[str]]:
    """Return the documents of a file, and what is wrong with it."""
    documents, bad, text = [], [], ""
    for piece in Reader(file=file, column=column, piece_characters=piece_characters).read():
        if isinstance(piece, BadText):
            bad.append(str(piece))
            continue
        text += piece.text
        if piece.last:
            documents.append(text)
            text = ""
    assert not text
    return documents, bad


def record_reader(file: TextFile, **layout: str) -> RecordReader:
    """Return a reader of records in a layout."""
    return RecordReader(file=file, column="text", layout=RecordLayout(label="label", **layout))


def read_records(file: TextFile, start: Start = BEGINNING, **layout: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the texts with their labels, and what is wrong."""
    found, bad, text = [], [], ""
    for piece in record_reader(file, **layout).read(start):
        if isinstance(piece, BadText):
            bad.append(f"{piece} ({piece.record})")
            continue
        text += piece.text
        if piece.last:
            found.append((text, piece.label))
            text = ""
    return found, bad
