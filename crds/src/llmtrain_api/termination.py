"""How a container reports its result: its exit code and the JSON in its termination message."""

import signal
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import from_json

from llmtrain_api.bounds import Count, ReportedExitCode
from llmtrain_api.model import Message
from llmtrain_api.printable import encodable, printable, printable_lines

InfoT = TypeVar("InfoT", bound=Message)

MAX_LINES, MAX_LINE_LENGTH = 64, 1000
"""Log lines that are read from a termination message, and the characters of each."""
MAX_FINDING = 256
"""Characters about bad text in a termination message."""
MAX_BYTES = 4000
"""Limit of a termination message in bytes. Kubernetes truncates at 4096."""


ScoreName = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
"""Name of a score or of a reason."""

EndReason = Literal["Completed", "Stopped", "BadInput", "Diverged", "CommunicationFailed", "Crashed"]
"""Why a container exited."""


class ExitCode(IntEnum):
    """Exit codes of containers; the operator decides by them whether to retry."""

    SUCCESS = 0
    FAILURE = 1
    """An error that may be transient; the pod is replaced within the failure budget."""
    BAD_INPUT = 2
    """The job's spec cannot be satisfied; retrying would fail the same way."""
    DIVERGED = 3
    """Losses or weights are not finite; retrying would fail the same way."""
    COMMUNICATION = 4
    """The ranks cannot exchange anything although they are alive; the pod is replaced within the failure budget."""
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
    bad_records: Annotated[dict[ScoreName, Count], Field(max_length=16)] = Field(default_factory=dict)
    """Those of them that are text but no records of the task, by reason."""
    samples: Count = 0
    """Records to train on; users of the task recommendation; 0 for text."""
    held_out_samples: Count = 0
    classes: Count = 0
    """Different labels of the records."""
    shortened: Count = 0
    """Records of which only the first `maxTokens` tokens are used."""
    missing_class: Annotated[str, AfterValidator(lambda text: printable(text, MAX_FINDING))] = ""
    """Which label the training records or the held-out ones lack; empty if both have all."""
    first_finding: Annotated[str, AfterValidator(lambda text: printable(text, MAX_FINDING))] = ""
    """File, place and reason of the first that was replaced or left out."""


class VectorCoverage(Message):
    """How much of the training text has a vector in `spec.model.vectors`."""

    words: Annotated[float, Field(ge=0, le=1)]
    """Fraction of the different words that the model knows."""
    tokens: Annotated[float, Field(ge=0, le=1)]
    """Fraction of all words of the training records."""

    def __str__(self) -> str:
        return f"{self.words:.1%} of the known words and {self.tokens:.1%} of all words to train on have a vector"


class ModelInfo(Message):
    """Result of the publish stage: the exported model."""

    loss: float
    """Held-out loss in nats per token, per word or per sample; of numbers the mean squared error after standardization."""
    perplexity: float | None = None
    unigram_perplexity: float | None = None
    metrics: Annotated[dict[ScoreName, float], Field(max_length=32)] = Field(default_factory=dict)
    """Scores of the task on held-out samples, by name; `majorityAccuracy` and the like are those of a trivial baseline."""
    vectors: VectorCoverage | None = None
    parameters: int
    step: Count = 0
    """Steps done by the published state; 0 if an earlier version published it."""
    ending: Annotated[str, Field(max_length=256)] = ""
    """How the training ended, and at which step it was best; empty if the last state was published."""
    path: str
    """Directory of the exported model, relative to the checkpoint volume."""
    sha256: str = ""
    """SHA-256 of the exported weights."""
    sample: Annotated[str, Field(max_length=1200)] = ""
    """Text that the model generated, including the prompt."""


class TerminationMessage(Message):
    """The termination message: why the container exited, and its result."""

    reason: EndReason
    message: str = ""
    """Explanation for the job's status."""
    last_lines: list[str] = Field(default_factory=list)
    """Last lines of the log, for the status when the pod has been deleted."""
    exit_code: ReportedExitCode | None = None
    """Exit code of the user's program if it failed; negative for a signal."""
    before_first_step: bool = False
    """Whether the user's program failed with an error of its own before it had completed a step."""
    dataset: DatasetInfo | None = None
    model: ModelInfo | None = None

    def to_message(self) -> str:
        """Return JSON of at most `MAX_BYTES` bytes.

        The oldest log lines are dropped first; then the message is cut off, and the sample of the model. Characters that
        UTF-8 cannot encode, as in the names of some files, are replaced.
        """
        texts = {"message": encodable(self.message), "last_lines": [encodable(line) for line in self.last_lines]}
        outcome: TerminationMessage | None = self.model_copy(update=texts)
        while outcome is not None:
            text = outcome.model_dump_json(by_alias=True, exclude_none=True).encode()
            if len(text) <= MAX_BYTES:
                return text.decode()
            outcome = outcome._shortened()
        return TerminationMessage(reason=self.reason, exit_code=self.exit_code).to_message()

    def _shortened(self) -> "TerminationMessage | None":
        """Return this message with less text; None if it has no text that can be left out."""
        if self.last_lines:
            return self.model_copy(update={"last_lines": self.last_lines[1:]})
        sample = self.model.sample if self.model else ""
        if self.model and len(sample) > len(self.message):
            model = self.model.model_copy(update={"sample": _cut(sample)})
            return self.model_copy(update={"model": model})
        return self.model_copy(update={"message": _cut(self.message)}) if self.message else None

    @classmethod
    def from_message(cls, text: str) -> "TerminationMessage | None":
        """Return the termination message in `text`, whose texts are printable; None if it is not one.

        Any container may have written it, also one of another version: unknown fields are ignored, an unknown reason
        is a crash, and a dataset or a model that is not valid counts as absent.
        """
        try:
            document = from_json(text)
            reason = document.get("reason")
            known = reason if not isinstance(reason, str) or reason in get_args(EndReason) else "Crashed"
            read = cls.model_validate({**document, "reason": known, "dataset": None, "model": None})
        except (ValueError, TypeError, AttributeError):
            return None
        return read.model_copy(
            update={
                "message": printable(read.message, MAX_BYTES),
                "last_lines": printable_lines(read.last_lines, max_lines=MAX_LINES, max_length=MAX_LINE_LENGTH),
                "dataset": _valid_or_none(DatasetInfo, document.get("dataset")),
                "model": _valid_or_none(ModelInfo, document.get("model")),
            }
        )


def _cut(text: str) -> str:
    """Return the first three quarters of a text that is not empty."""
    return text[: len(text) * 3 // 4]


def _valid_or_none(kind: type[InfoT], document: Mapping[str, Any] | None) -> InfoT | None:
    try:
        return kind.model_validate(document)
    except ValidationError:
        return None
