"""What a finished container says of itself: its exit code and the JSON in its termination message."""

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from llmtrain_api.model import Model

MAX_BYTES = 4000
"""Kubernetes keeps 4096 bytes of a termination message."""


class ExitCode(IntEnum):
    """What the operator does next is chosen by this number."""

    SUCCESS = 0
    FAILURE = 1
    """Something broke: worth another try."""
    BAD_INPUT = 2
    """The job asks for something that can't be had: the same again would end the same way."""
    STOPPED = 143
    """Asked to stop, and did after a checkpoint."""


class DatasetInfo(Model):
    """Result of the prepare stage."""

    id: str
    """Hash of text and settings; names the folder."""
    tokens: int
    held_out_tokens: int
    vocab_size: int
    unigram_loss: float
    """Held-out loss, in nats a token, of a model that knows only how often each token occurs."""


class ModelInfo(Model):
    """Result of the publish stage."""

    loss: float
    """Held-out loss in nats a token."""
    perplexity: float
    unigram_perplexity: float
    parameters: int
    path: str
    """Folder of the exported model, relative to the checkpoint volume."""
    sha256: str = ""
    """Hash of the exported weights."""
    sample: Annotated[str, Field(max_length=1200)] = ""
    """What the model wrote, prompt included."""


class TerminationMessage(Model):
    """The termination message: why the container ended, and what it made."""

    reason: Literal["Completed", "Stopped", "BadInput", "Crashed"]
    message: str = ""
    """One sentence for the person who reads the status."""
    last_lines: list[str] = Field(default_factory=list)
    """The end of the log, for when the pod is gone."""
    exit_code: int | None = None
    """Exit code of the user's own program, if it is what failed; that of a signal is negative."""
    dataset: DatasetInfo | None = None
    model: ModelInfo | None = None

    def to_message(self) -> str:
        """Return JSON of at most `MOST_BYTES` bytes, leaving out the oldest log lines first."""
        outcome = self
        while len(text := outcome.model_dump_json(by_alias=True, exclude_none=True).encode()) > MAX_BYTES:
            if outcome.last_lines:
                outcome = outcome.model_copy(update={"last_lines": outcome.last_lines[1:]})
            else:
                outcome = outcome.model_copy(update={"message": outcome.message[: len(outcome.message) // 2]})
        return text.decode()

    @classmethod
    def from_message(cls, text: str) -> "TerminationMessage | None":
        """Return the outcome in a termination message, or None if it holds something else."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None
