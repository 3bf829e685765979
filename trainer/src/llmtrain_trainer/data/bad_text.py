"""Text that is not as it is expected: what is wrong, where it is, and what `data.onBadText` does about it."""

import os
from typing import Literal

from pydantic import Field

from llmtrain_api.model import Model
from llmtrain_trainer.errors import BadInput

Policy = Literal["Fail", "Replace", "Skip"]
"""The values of `data.onBadText`."""
RecordPolicy = Literal["Fail", "Skip"]
"""The values of `data.onBadRecord`."""
BadRecord = Literal[
    "brokenRecord", "noText", "noLabel", "noNumber", "tagCount", "wrongAnswer", "noUser", "noItem", "noTime"
]
"""Why a record can't be used, although it may be valid text."""


class BadText(Model):
    """One finding: a file, line or row, with its first bad place."""

    file: str
    """Name of the file as it is displayed."""
    reason: str
    offset: int | None = None
    """Bytes from the start of the file, decompressed if it is compressed."""
    line: int | None = None
    """Line of a JSONL file or row of a Parquet file, from 1."""
    replaced: int = Field(default=0, ge=0)
    """Bytes that are replaced by U+FFFD; 0 if the file or line is left out."""
    record: BadRecord | None = None
    """Why it is no record of the task; None if the text itself is not valid."""

    def __str__(self) -> str:
        place = "".join(
            f", {name} {number}" for name, number in (("line", self.line), ("byte", self.offset)) if number is not None
        )
        return f"'{self.file}'{place}: {self.reason}"


class NotText(Exception):
    """A file can't be used as text at all, or not from here on."""

    def __init__(self, reason: str, *, offset: int | None = None, record: BadRecord | None = None) -> None:
        super().__init__(reason)
        self.reason, self.offset, self.record = reason, offset, record


def refuse(bad: BadText) -> BadInput:
    """Return the error that ends the stage for `bad` with the policy Fail."""
    if bad.record is not None:
        return BadInput(
            f"spec.data: {bad}; correct the file, or set spec.data.onBadRecord to Skip and read what is left out in the "
            "log and in the dataset's report.json"
        )
    return BadInput(
        f"spec.data: {bad}; correct the file, or set spec.data.onBadText to Replace or Skip and read what "
        "is replaced or left out in the log and in the dataset's report.json"
    )


def bad_record(file: str, line: int, reason: str, record: BadRecord) -> BadText:
    """Return the finding that a line of a file is no record; halves of characters in the reason are escaped."""
    reason = reason.encode("utf-8", "backslashreplace").decode()
    return BadText(file=display_name(file), reason=reason, line=line, record=record)


def display_name(name: str) -> str:
    r"""Return a file name as text that can be written anywhere: bytes that are not UTF-8 become \xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
