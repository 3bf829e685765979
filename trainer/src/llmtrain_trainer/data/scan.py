"""The scan of a source: the hash and size of each document, what is wrong with the text, and where reading can resume.

A unit of consecutive files is scanned by one process, which writes the result beside the dataset to be. A unit that has
been scanned is not scanned again after a restart.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from pydantic import Field

from llmtrain_api.model import Model
from llmtrain_trainer.data.bad_text import BadText, NotText, Policy, RecordPolicy, display_name, refuse
from llmtrain_trainer.data.document_hash import DocumentHash
from llmtrain_trainer.data.documents import Piece, Start
from llmtrain_trainer.data.near_duplicates import SIGNATURE_BYTES, Signature
from llmtrain_trainer.data.records import Layout, reader_of
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.written_files import (
    WrittenFile,
    atomic_file,
    digest_of,
    is_as_written,
    read_model,
    write_model,
)
from llmtrain_trainer.errors import BadInput

UNIT_BYTES = 2**23
"""Files are scanned together until they have so many bytes; a larger file is cut into shards of this size."""
UNIT_FILES = 2048
DOCUMENT = np.dtype([("key", "<u8"), ("key_low", "<u8"), ("size", "<u8")])
"""A document: the hash of its text without the whitespace around it, and its size in bytes; size 0 leaves it out."""
MAX_FINDINGS = 1000
"""Findings of a unit that are kept with their places; all are counted."""
MAX_LABELS = 1000
"""Different labels of records."""


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
    signatures: WrittenFile | None = None
    """The file with their MinHash signatures; None if near duplicates are kept."""
    documents: int = 0
    size: int = 0
    """Bytes of all documents, in UTF-8."""
    replaced: int = 0
    """Bytes replaced by U+FFFD."""
    left_out: int = 0
    """Files and lines that are left out."""
    bad_records: dict[str, int] = Field(default_factory=dict)
    """Those of them that are text but no records, by reason."""
    labels: dict[str, int] = Field(default_factory=dict)
    """Records with each label."""
    masked: dict[str, int] = Field(default_factory=dict)
    """How often each kind of personal data was masked."""
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
    records: Layout | None = None
    """How the files hold records; None for documents."""
    record_policy: RecordPolicy = "Fail"
    shard_bytes: int = UNIT_BYTES
    """A file with more bytes is cut into shards of this size."""
    signs: bool = False
    """Whether near duplicates are to be found."""

    @property
    def signatures_file(self) -> Path:
        """The MinHash signatures of the documents, if it `signs`."""
        return self.directory / f"scan-{self.number:05}.signatures"

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
    if (
        before is not None
        and is_as_written(task.documents_file, before.records)
        and (not task.signs or is_as_written(task.signatures_file, before.signatures))
    ):
        return before
    signing = atomic_file(task.signatures_file) if task.signs else contextlib.nullcontext()
    with atomic_file(task.documents_file) as records, signing as signatures:
        scan = _Scan(task, records, signatures)
        for position, file in enumerate(task.files):
            scan.read(position, file)
    result = scan.result(digest_of(task.documents_file), digest_of(task.signatures_file) if task.signs else None)
    write_model(result, task.result_file)
    return result


class _Scan:
    def __init__(self, task: ScanTask, records: IO[bytes], signatures: IO[bytes] | None) -> None:
        self._task, self._records, self._signatures = task, records, signatures
        self._digest = hashlib.blake2b(digest_size=16)
        self._documents = self._size = self._replaced = self._left_out = 0
        self._labels: Counter[str] = Counter()
        self._bad_records: Counter[str] = Counter()
        self._masked: Counter[str] = Counter()
        self._findings: list[BadText] = []
        self._unusable: list[int] = []
        self._resumes: list[Resume] = []

    def result(self, records: WrittenFile, signatures: WrittenFile | None) -> UnitScan:
        return UnitScan(
            records=records,
            signatures=signatures,
            digest=self._digest.hexdigest(),
            documents=self._documents,
            size=self._size,
            replaced=self._replaced,
            left_out=self._left_out,
            labels=dict(self._labels),
            bad_records=dict(self._bad_records),
            masked=dict(self._masked),
            findings=self._findings,
            unusable=self._unusable,
            resumes=self._resumes,
        )

    def read(self, position: int, file: TextFile) -> None:
        """Scan one file; if it turns out to be unusable, what was read of it is dropped."""
        before = self._digest.copy(), self._documents, self._size
        of_records = self._labels.copy(), self._bad_records.copy(), self._masked.copy()
        counts = self._replaced, self._left_out, len(self._findings)
        self._digest.update(f"\0{file.name}\0".encode("utf-8", "surrogateescape"))
        try:
            self._read(file)
        except NotText as error:
            self._digest, self._documents, self._size = before
            self._labels, self._bad_records, self._masked = of_records
            self._replaced, self._left_out, findings = counts
            del self._findings[findings:]
            name = display_name(file.name)
            self._report(BadText(file=name, reason=error.reason, offset=error.offset, record=error.record))
            for written, width in ((self._records, DOCUMENT.itemsize), (self._signatures, SIGNATURE_BYTES)):
                if written is not None:
                    written.seek(self._documents * width)
                    written.truncate()
            self._resumes.clear()
            self._unusable.append(position)

    def _read(self, file: TextFile) -> None:
        reader = reader_of(file, self._task.column, self._task.records)
        splittable = reader.random_access and len(self._task.files) == 1
        document, signature, skipped_line = DocumentHash(), self._signature(), 0
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
            self._masked.update(piece.masked)
            if signature:
                signature.update(piece.text)
            if piece.last:
                self._end_document(document, piece, skipped=0 < piece.line == skipped_line)
                if signature and self._signatures:
                    self._signatures.write(signature.digest(document.key()))
                document, signature = DocumentHash(), self._signature()
                documents += 1
            if piece.last or not piece.line:
                done = Start(piece.offset, piece.line)

    def _signature(self) -> Signature | None:
        return Signature() if self._signatures else None

    def _end_document(self, document: DocumentHash, piece: Piece, *, skipped: bool) -> None:
        """Write the record of a document, of which `piece` is the last one."""
        label = piece.label
        key, size = document.key(), 0 if skipped else document.size
        self._records.write(key + size.to_bytes(8, "little"))
        self._digest.update(document.content() if size else b"\0")
        if label:
            self._digest.update(f"{label}\0".encode())
            if size:
                self._count(label)
        for value in piece.slices:
            self._digest.update(f"{value}\0".encode())
        self._documents += 1
        self._size += size

    def _count(self, label: str) -> None:
        if self._task.records is not None:
            self._labels.update(self._task.records.classes(label))
            require_few_labels(self._labels)

    def _report(self, bad: BadText) -> bool:
        """Record a finding; return whether the document it is in is left out because of it."""
        if (self._task.policy if bad.record is None else self._task.record_policy) == "Fail":
            raise refuse(bad)
        if bad.record is not None:
            self._bad_records[bad.record] += 1
        skips = bad.replaced > 0 and self._task.policy == "Skip"
        if skips or not bad.replaced:
            bad = bad.model_copy(update={"replaced": 0})
            self._left_out += 1
        self._replaced += bad.replaced
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(bad)
        return skips


def require_few_labels(labels: Counter[str]) -> None:
    """BadInput if a column has more different values than labels can be."""
    if len(labels) > MAX_LABELS:
        examples = ", ".join(f"'{label}'" for label in list(labels)[:3])
        raise BadInput(
            f"spec.data.columns.label: more than {MAX_LABELS} different labels, such as {examples}; name a column that holds "
            "one of a few classes"
        )
