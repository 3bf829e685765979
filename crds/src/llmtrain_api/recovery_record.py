"""What a recovery cost, as the coordinator records it."""

from typing import Literal

from pydantic import Field

from llmtrain_api.model import Message


class ProcessFailure(Message):
    """A trainer process that failed and was replaced in its pod."""

    worker: int
    local_rank: int
    node: str = ""
    exit_code: int
    """Negative for a signal."""
    message: str = ""
    last_lines: list[str] = Field(default_factory=list)


RecoveryMethod = Literal["process", "pod", "checkpoint"]
"""How a job recovered: a new process in the same pod, a new pod, or the newest checkpoint."""
RECOVERY_PHASES = ("detect", "rendezvous", "restore", "replay")


class RecoveryRecord(Message):
    """A completed recovery."""

    term: int = 0
    """Term of the coordinator that recorded it. Generation numbers can repeat in another term."""
    generation: int
    """The generation that lost a member. Together with the term it identifies the recovery."""
    method: RecoveryMethod
    time: str
    """When the loss was detected, RFC 3339."""
    detect_seconds: float
    """From the last heartbeat until the loss was detected."""
    rendezvous_seconds: float
    """From there until the next generation started."""
    restore_seconds: float
    """From there until every rank had the state."""
    replay_seconds: float
    """From there until the lost steps were repeated."""
    replayed_steps: int
    process_failure: ProcessFailure | None = None
    """The failed process, if its supervisor reported it."""

    @property
    def seconds_by_phase(self) -> dict[str, float]:
        """Return the seconds of each phase."""
        return {phase: getattr(self, f"{phase}_seconds") for phase in RECOVERY_PHASES}
