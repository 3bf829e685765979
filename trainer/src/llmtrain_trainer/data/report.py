"""The data report: how many documents a source has, and what of it is left out, replaced or twice there."""

from collections.abc import Iterable

import numpy as np
from pydantic import Field

from llmtrain_api.model import Model
from llmtrain_api.printable import printable
from llmtrain_api.termination import MAX_FINDING, DatasetInfo
from llmtrain_trainer.data.bad_text import BadText
from llmtrain_trainer.data.scan import UnitScan
from llmtrain_trainer.data.source import Listing
from llmtrain_trainer.data.split import Split

MAX_FINDINGS = 1000
"""Findings with their places; all are counted."""
REPORT_FILE = "report.json"


class DataReport(Model):
    """What was found in the text of a source."""

    files: int = 0
    size: int = 0
    """Bytes of the text that is used, in UTF-8, before documents with the same text are left out."""
    documents: int = 0
    """Documents that are used."""
    duplicates: int = 0
    """Documents left out because an earlier one has the same text, apart from the whitespace around it."""
    replaced_bytes: int = 0
    """Bytes that are no text, replaced by U+FFFD."""
    left_out: int = 0
    """Files, lines and rows that are left out because they are no text."""
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
                "first_finding": printable(str(self.findings[0]), MAX_FINDING) if self.findings else "",
            }
        )


def report_of(listing: Listing, scans: Iterable[UnitScan], split: Split) -> DataReport:
    """Return the report of a source."""
    findings, left_out = list(listing.left_out), len(listing.left_out)
    size = replaced = 0
    for scan in scans:
        size, replaced, left_out = size + scan.size, replaced + scan.replaced, left_out + scan.left_out
        findings += scan.findings[: max(0, MAX_FINDINGS - len(findings))]
    return DataReport(
        files=len(listing),
        size=size,
        documents=int(np.count_nonzero(split.fates)),
        duplicates=split.duplicates,
        replaced_bytes=replaced,
        left_out=left_out,
        findings=findings[:MAX_FINDINGS],
    )
