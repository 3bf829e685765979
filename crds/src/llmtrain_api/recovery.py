"""Recovery of a job: which failures are tolerated, and when a rank counts as hung or a node as lost."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.model import Model

FailureReason = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]


class FailureRule(Model):
    """What follows from failures with one of these exit codes or reasons."""

    exit_codes: Annotated[list[Annotated[int, Field(ge=1, le=255)]], Field(max_length=32)] = Field(default_factory=list)
    """Exit codes of the program, or of the container if the program has none. A signal is 128 plus its number."""
    reasons: Annotated[list[FailureReason], Field(max_length=16)] = Field(default_factory=list)
    """Reasons as in `status.recoveries.recent`, such as OOMKilled, Evicted, NodeLost, ProcessDied or PreemptionByScheduler."""
    action: Literal["Fail", "Count", "Ignore"]
    """Fail fails the job at once. Count spends the failure budget, also if the failure would otherwise fail the job at once or not count. Ignore replaces the pod without spending the budget."""

    def matches(self, exit_code: int | None, reason: str) -> bool:
        """Return whether a failure with this exit code, negative for a signal, and this reason is meant."""
        code = 128 - exit_code if exit_code is not None and exit_code < 0 else exit_code
        return code in self.exit_codes or reason in self.reasons


class Recovery(Model):
    """How many failures are tolerated before the job fails, and when a rank counts as hung or a node as lost."""

    max_failures: Annotated[int, Field(ge=0, le=1000)] = 10
    """Incidents within the window that the job recovers from; one more fails the job. Failures within 30 seconds, of one node or of one membership generation are one incident. A lower value applies from the next incident on."""
    rules: Annotated[list[FailureRule], Field(max_length=16)] = Field(default_factory=list)
    """Exceptions from the failure budget. The first rule that matches a failure decides what follows from it."""
    window_seconds: Annotated[int, Field(ge=1, le=2592000)] = 3600
    """Length of the sliding window in seconds; older incidents no longer count."""
    hang_seconds: Annotated[int, Field(ge=5, le=86400)] = 300
    """Seconds without progress after which a trainer process is killed and replaced. It must exceed the time of one microbatch. Immutable once the job has started."""
    silent_seconds: Annotated[int, Field(ge=10, le=86400)] | None = None
    """Seconds without a line of output of the program with RANK 0, in mode Torchrun, after which it counts as hung: it is killed and its worker replaced, which restarts all ranks. Unset never does. Immutable once the job has started."""
    grace_period_seconds: Annotated[int, Field(ge=15, le=86400)] = 60
    """Seconds that a worker has to finish its step and write a checkpoint when it is stopped; then it is killed. Immutable once the job has started."""
    node_seconds: Annotated[int, Field(ge=1, le=3600)] = 40
    """Seconds for which a node must be NotReady before its pods are replaced on other nodes. Pods of a node that no longer exists are replaced at once."""
