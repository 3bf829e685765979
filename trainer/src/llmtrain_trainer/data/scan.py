"""The scan of a source: the hash and size of each document, what is wrong with the text, and where reading can resume.

A unit of consecutive files is scanned by one process, which writes the result beside the dataset to be. A unit that has
been scanned is not scanned again after a restart.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from pydantic import Field

from llmtrain_api.model import Model
from llmtrain_trainer.data.bad_text import BadText, NotText, Policy, display_name, refuse
from llmtrain_trainer.data.documents import Reader, Start
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.written_files import (
    WrittenFile,
    atomic_file,
    digest_of,
    is_as_written,
    read_model,
    write_model,
)

UNIT_BYTES = 2**23
"""Files are scanned together until they have so many bytes; a larger file is cut into shards of this size."""
UNIT_FILES = 2048
DOCUMENT = np.dtype([("key", "<u8"), ("key_low", "<u8"), ("size", "<u8")])
"""A document: the hash of its text without the whitespace around it, and its size in bytes; size 0 leaves it out."""
MAX_FINDINGS = 1000
"""Findings of a unit that are kept with their places; all are counted."""


class Resume(NamedTuple):
    """A place within a large file: where a shard of it begins."""

    offset: int
    line: int
    documents: int
    """Documents of the file that have ended before."""
    size: int
    """Bytes of the document before this place."""


class UnitScan(Model):
    """What is known of a unit after its scan."""

    digest: str
    """Hash of the names and texts."""
    records: WrittenFile | None = None
    """The file with the records of the documents."""
    documents: int = 0
    size: int = 0
    """Bytes of all documents, in UTF-8."""
    replaced: int = 0
    """Bytes replaced by U+FFFD."""
    left_out: int = 0
    """Files and lines that are left out."""
    findings: list[BadText] = Field(default_factory=list)
    unusable: list[int] = Field(default_factory=list)
    """Positions in the unit of files that are left out."""
    resumes: list[Resume] = Field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ScanTask:
    """A unit to scan."""

    number: int
    files: Sequence[TextFile]
    column: str
    policy: Policy
    directory: Path
    shard_bytes: int = UNIT_BYTES
    """A file with more bytes is cut into shards of this size."""

    @property
    def documents_file(self) -> Path:
        """The records of the documents."""
        return self.directory / f"scan-{self.number:05}.documents"

    @property
    def result_file(self) -> Path:
        """The result, written last."""
        return self.directory / f"scan-{self.number:05}.json"


def plan_units(files: Sequence[TextFile]) -> list[range]:
    """Return consecutive ranges of files: few files with few bytes, or one larger file."""
    units: list[range] = []
    first, size = 0, 0
    for number, file in enumerate(files):
        if number > first and (size + file.size > UNIT_BYTES or number - first >= UNIT_FILES):
            units.append(range(first, number))
            first, size = number, 0
        size += file.size
    return [*units, range(first, len(files))] if files else []


def scan_unit(task: ScanTask) -> UnitScan:
    """Scan a unit unless its result exists. BadInput for bad text with the policy Fail."""
    before = read_model(UnitScan, task.result_file)
    if before is not None and is_as_written(task.documents_file, before.records):
        return before
    with atomic_file(task.documents_file) as records:
        scan = _Scan(task, records)
        for position, file in enumerate(task.files):
            scan.read(position, file)
    result = scan.result(digest_of(task.documents_file))
    write_model(result, task.result_file)
    return result


class DocumentHash:
    """Hashes a document that comes in pieces, with and without the whitespace around it, in constant memory."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes of the document so far."""
        self._leading = hashlib.blake2b(digest_size=16)
        self._core = hashlib.blake2b(digest_size=16)
        self._to_here = self._core.copy()
        self._started = False

    def update(self, text: str) -> None:
        """Add the next piece of the text."""
        if not self._started:
            inner = text.lstrip()
            self._leading.update(self._encode(text[: len(text) - len(inner)]))
            self._started, text = bool(inner), inner
        core = text.rstrip()
        if core:
            self._core = self._to_here  # whitespace before it is within the text after all
            self._core.update(self._encode(core))
            self._to_here = self._core.copy()
        self._to_here.update(self._encode(text[len(core) :]))

    def key(self) -> bytes:
        """Return the hash of the text without the whitespace around it."""
        return self._core.digest()

    def content(self) -> bytes:
        """Return a hash of the whole text."""
        return self._leading.digest() + self._to_here.digest()

    def _encode(self, text: str) -> bytes:
        encoded = text.encode()
        self.size += len(encoded)
        return encoded


class _Scan:
    def __init__(self, task: ScanTask, records: IO[bytes]) -> None:
        self._task, self._records = task, records
        self._digest = hashlib.blake2b(digest_size=16)
        self._documents = self._size = self._replaced = self._left_out = 0
        self._findings: list[BadText] = []
        self._unusable: list[int] = []
        self._resumes: list[Resume] = []

    def result(self, records: WrittenFile) -> UnitScan:
        return UnitScan(
            records=records,
            digest=self._digest.hexdigest(),
            documents=self._documents,
            size=self._size,
            replaced=self._replaced,
            left_out=self._left_out,
            findings=self._findings,
            unusable=self._unusable,
            resumes=self._resumes,
        )

    def read(self, position: int, file: TextFile) -> None:
        """Scan one file; if it turns out to be unusable, what was read of it is dropped."""
        before = self._digest.copy(), self._documents, self._size
        counts = self._replaced, self._left_out, len(self._findings)
        self._digest.update(f"\0{file.name}\0".encode("utf-8", "surrogateescape"))
        try:
            self._read(file)
        except NotText as error:
            self._digest, self._documents, self._size = before
            self._replaced, self._left_out, findings = counts
            del self._findings[findings:]
            self._report(BadText(file=display_name(file.name), reason=error.reason, offset=error.offset))
            self._records.seek(self._documents * DOCUMENT.itemsize)
            self._records.truncate()
            self._resumes.clear()
            self._unusable.append(position)

    def _read(self, file: TextFile) -> None:
        reader = Reader(file=file, column=self._task.column)
        splittable = reader.random_access and len(self._task.files) == 1
        document, skipped_line = DocumentHash(), 0
        documents, shard_start, done = 0, 0, Start()
        for piece in reader.read():
            if isinstance(piece, BadText):
                if self._report(piece):
                    if piece.line is None:
                        raise NotText(piece.reason, offset=piece.offset)  # the whole file is left out
                    skipped_line = piece.line
                continue
            at_end_of_piece = not piece.line or not document.size
            if splittable and at_end_of_piece and done.offset - shard_start >= self._task.shard_bytes:
                self._resumes.append(Resume(done.offset, done.line, documents, document.size))
                shard_start = done.offset
            document.update(piece.text)
            if piece.last:
                self._end_document(document, skipped=0 < piece.line == skipped_line)
                document = DocumentHash()
                documents += 1
            if piece.last or not piece.line:
                done = Start(piece.offset, piece.line)

    def _end_document(self, document: DocumentHash, *, skipped: bool) -> None:
        key, size = document.key(), 0 if skipped else document.size
        self._records.write(key + size.to_bytes(8, "little"))
        self._digest.update(document.content() if size else b"\0")
        self._documents += 1
        self._size += size

    def _report(self, bad: BadText) -> bool:
        """Record a finding; return whether the document it is in is left out because of it."""
        if self._task.policy == "Fail":
            raise refuse(bad)
        skips = bad.replaced > 0 and self._task.policy == "Skip"
        if skips or not bad.replaced:
            bad = bad.model_copy(update={"replaced": 0})
            self._left_out += 1
        self._replaced += bad.replaced
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(bad)
        return skips
