"""How a container reports its result: its exit code and the JSON in its termination message."""

import signal
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import from_json

from llmtrain_api.bounds import Count, ReportedExitCode
from llmtrain_api.model import Message
from llmtrain_api.printable import printable, printable_lines

InfoT = TypeVar("InfoT", bound=Message)

MAX_LINES, MAX_LINE_LENGTH = 64, 1000
"""Log lines that are read from a termination message, and the characters of each."""
MAX_FINDING = 256
"""Characters about bad text in a termination message."""
MAX_BYTES = 4000
"""Limit of a termination message in bytes. Kubernetes truncates at 4096."""


class ExitCode(IntEnum):
    """Exit codes of containers; the operator decides by them whether to retry."""

    SUCCESS = 0
    FAILURE = 1
    """An error that may be transient; the pod is replaced within the failure budget."""
    BAD_INPUT = 2
    """The job's spec cannot be satisfied; retrying would fail the same way."""
    STOPPED = 143
    """Stopped on request, after a checkpoint."""


def signal_name(number: int) -> str:
    """Return the name of a signal, such as SIGKILL; most real-time signals have only a number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class DatasetInfo(Message):
    """Result of the prepare stage: the tokenized dataset."""

    id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Hash of the text and the tokenizer settings; the name of the dataset's directory."""
    tokens: int
    held_out_tokens: int
    vocab_size: int
    unigram_loss: float
    """Held-out loss of a unigram model, in nats per token."""
    documents: Count = 0
    """Documents that are used."""
    duplicates: Count = 0
    """Documents left out because an earlier one has the same text, apart from the whitespace around it."""
    replaced_bytes: Count = 0
    """Invalid bytes that were replaced by U+FFFD."""
    left_out: Count = 0
    """Files, lines and rows left out because they are no text, or not valid."""
    first_finding: Annotated[str, AfterValidator(lambda text: printable(text, MAX_FINDING))] = ""
    """File, place and reason of the first that was replaced or left out."""


class ModelInfo(Message):
    """Result of the publish stage: the exported model."""

    loss: float
    """Held-out loss in nats per token."""
    perplexity: float
    unigram_perplexity: float
    parameters: int
    path: str
    """Directory of the exported model, relative to the checkpoint volume."""
    sha256: str = ""
    """SHA-256 of the exported weights."""
    sample: Annotated[str, Field(max_length=1200)] = ""
    """Text that the model generated, including the prompt."""


class TerminationMessage(Message):
    """The termination message: why the container exited, and its result."""

    reason: Literal["Completed", "Stopped", "BadInput", "Crashed"]
    message: str = ""
    """Explanation for the job's status."""
    last_lines: list[str] = Field(default_factory=list)
    """Last lines of the log, for the status when the pod has been deleted."""
    exit_code: ReportedExitCode | None = None
    """Exit code of the user's program if it failed; negative for a signal."""
    dataset: DatasetInfo | None = None
    model: ModelInfo | None = None

    def to_message(self) -> str:
        """Return JSON of at most `MAX_BYTES` bytes; the oldest log lines are dropped first."""
        outcome = self
        while len(text := outcome.model_dump_json(by_alias=True, exclude_none=True).encode()) > MAX_BYTES:
            if outcome.last_lines:
                outcome = outcome.model_copy(update={"last_lines": outcome.last_lines[1:]})
            else:
                outcome = outcome.model_copy(update={"message": outcome.message[: len(outcome.message) // 2]})
        return text.decode()

    @classmethod
    def from_message(cls, text: str) -> "TerminationMessage | None":
        """Return the termination message in `text`, whose texts are printable; None if it is not one.

        Any container may have written it, also one of another version: unknown fields are ignored, and a dataset or a
        model that is not valid counts as absent.
        """
        try:
            document = from_json(text)
            read = cls.model_validate({**document, "dataset": None, "model": None})
        except (ValueError, TypeError):
            return None
        return read.model_copy(
            update={
                "message": printable(read.message, MAX_BYTES),
                "last_lines": printable_lines(read.last_lines, max_lines=MAX_LINES, max_length=MAX_LINE_LENGTH),
                "dataset": _valid_or_none(DatasetInfo, document.get("dataset")),
                "model": _valid_or_none(ModelInfo, document.get("model")),
            }
        )


def _valid_or_none(kind: type[InfoT], document: Mapping[str, Any] | None) -> InfoT | None:
    try:
        return kind.model_validate(document)
    except ValidationError:
        return None
