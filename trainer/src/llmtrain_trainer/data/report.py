"""The data report: how many documents a source has, and what of it is left out, replaced or twice there."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from llmtrain_api.model import Model
from llmtrain_api.printable import printable
from llmtrain_api.termination import MAX_FINDING, DatasetInfo
from llmtrain_trainer.data.bad_text import BadText
from llmtrain_trainer.data.scan import UnitScan
from llmtrain_trainer.data.source import Listing
from llmtrain_trainer.data.split import CUT, HELD_OUT, Split

MAX_FINDINGS = 1000
"""Findings with their places; all are counted."""
REPORT_FILE = "report.json"


class SourceReport(Model):
    """What was found in a source of a mixture."""

    name: str
    files: int
    size: int
    """Bytes of its text, in UTF-8, before documents with the same text are left out."""
    documents: int
    """Documents that are used; one with the text of an earlier source is not."""
    held_out: int
    """Those of them that are held out, or whose end is."""

    @classmethod
    def of(cls, name: str, *, files: int, size: int, fates: NDArray[np.uint8]) -> "SourceReport":
        """Return the report of a source from what happens to each of its documents (documents,)."""
        held_out = int(np.count_nonzero((fates == HELD_OUT) | (fates == CUT)))
        return cls(name=name, files=files, size=size, documents=int(np.count_nonzero(fates)), held_out=held_out)


class DataReport(Model):
    """What was found in the text of a source."""

    files: int = 0
    size: int = 0
    """Bytes of the text that is used, in UTF-8, before documents with the same text are left out."""
    documents: int = 0
    """Documents that are used."""
    duplicates: int = 0
    """Documents left out because an earlier one has the same text, apart from the whitespace around it."""
    near_duplicates: int = 0
    """Documents left out because an earlier one is nearly the same."""
    replaced_bytes: int = 0
    """Bytes that are no text, replaced by U+FFFD."""
    left_out: int = 0
    """Files, lines and rows that are left out because they are no text, or no records."""
    bad_records: dict[str, int] = Field(default_factory=dict)
    """Those that are no records, by reason."""
    masked: dict[str, int] = Field(default_factory=dict)
    """Personal data that were masked, by kind."""
    sources: list[SourceReport] = Field(default_factory=list)
    """The sources of a mixture; empty if there is none."""
    findings: list[BadText] = Field(default_factory=list)
    """The first of what is replaced or left out."""

    def describe(self, dataset: DatasetInfo) -> DatasetInfo:
        """Return `dataset` with the numbers of this report."""
        return dataset.model_copy(
            update={
                "documents": self.documents,
                "duplicates": self.duplicates,
                "replaced_bytes": self.replaced_bytes,
                "left_out": self.left_out,
                "bad_records": self.bad_records,
                "first_finding": printable(str(self.findings[0]), MAX_FINDING) if self.findings else "",
            }
        )


def report_of(
    listing: Listing,
    scans: Iterable[UnitScan],
    split: Split,
    near_duplicates: int = 0,
    sources: Sequence[SourceReport] = (),
) -> DataReport:
    """Return the report of a source, or of several that are mixed."""
    findings, left_out = list(listing.left_out), len(listing.left_out)
    size = replaced = 0
    bad_records, masked = Counter[str](), Counter[str]()
    for scan in scans:
        bad_records.update(scan.bad_records)
        masked.update(scan.masked)
        size, replaced, left_out = size + scan.size, replaced + scan.replaced, left_out + scan.left_out
        findings += scan.findings[: max(0, MAX_FINDINGS - len(findings))]
    return DataReport(
        files=len(listing),
        size=size,
        documents=int(np.count_nonzero(split.fates)),
        duplicates=split.duplicates,
        near_duplicates=near_duplicates,
        replaced_bytes=replaced,
        left_out=left_out,
        bad_records=dict(sorted(bad_records.items())),
        masked=dict(sorted(masked.items())),
        sources=list(sources),
        findings=findings[:MAX_FINDINGS],
    )
