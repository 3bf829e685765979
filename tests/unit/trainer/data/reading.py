"""Helpers for tests that read text files: a file of the source, and its documents."""

from pathlib import Path

from llmtrain_trainer.data.bad_text import BadText
from llmtrain_trainer.data.documents import Reader
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
