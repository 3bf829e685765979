"""The protocol between trainers, coordinator and operator: JSON over HTTP.

    POST /v1/join       Join -> JoinAnswer: Membership, or JoinPending after some seconds (retry)
    POST /v1/heartbeat  Heartbeat -> CurrentGeneration   held open until the generation ends or the next is due
    POST /v1/progress   Progress -> CurrentGeneration    from rank 0 only
    POST /v1/leave      Leave -> CurrentGeneration
    PUT  /v1/workers    DesiredWorkers -> CoordinatorStatus   from the operator
    GET  /v1/status     CoordinatorStatus
    GET  /metrics, /healthz

Every request under /v1 has the header `Authorization: Bearer <token of the job>`, see `job_token.py`, and
`X-Llmtrain-Job: <uid of the job>`. Without the token it is answered with 401, with the UID of another job with 403.
A rejected message is answered with 409 and `{"error": "<message>"}`; retrying it does not help.

A *generation* is one membership: an ordered list of members. Its number only grows. The first generation starts when
all desired ranks have joined. Later ones start as soon as all live ranks have joined again, if they are at least the
minimum. A generation ends when a member leaves, fails or is replaced, when a new worker joins, or when the desired
number of workers changes. Members learn of it immediately, because each holds a heartbeat open. If no member is
missing, they finish the step. Otherwise the generation is *broken*, and they abort the collective they are in.

A *term* is the lifetime of one coordinator pod. If two coordinators run, for example after a network partition, messages
of the older term are rejected. A member is lost when its connection closes, its supervisor reports its exit, or its lease
expires.
"""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.bounds import Count, Milliseconds, Number, Ranks, ReportedExitCode, ReportedText, Seconds
from llmtrain_api.model import Message
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_api.time_ledger import TimeLedger

JOB_HEADER = "X-Llmtrain-Job"
LEASE_SECONDS = 2.0
"""A member that sends nothing for this long is considered lost, in a group of up to 256 ranks."""
HEARTBEAT_SECONDS = 0.4
"""How long a heartbeat is held open, in a group of up to 256 ranks."""
HEARTBEATS_PER_SECOND = 640
"""Heartbeats that one coordinator answers: those of larger groups are held open for longer."""
LAST_CALL_SECONDS = 30.0
"""How long the first generation waits for all desired ranks once the minimum has joined."""
JOIN_LONG_POLL_SECONDS = 20.0
"""How long a join is held open before it is answered with JoinPending."""


def heartbeat_seconds(ranks: int) -> float:
    """Return how long the heartbeats of a group of this size are held open."""
    return max(HEARTBEAT_SECONDS, ranks / HEARTBEATS_PER_SECOND)


def lease_seconds(ranks: int) -> float:
    """Return the lease of the members of a group of this size: as much longer as their heartbeats are held open."""
    return LEASE_SECONDS + heartbeat_seconds(ranks) - HEARTBEAT_SECONDS


class Member(Message):
    """One rank: a trainer process."""

    worker: Number
    local_rank: Number
    """Index of the rank within its worker."""
    incarnation: Annotated[str, Field(max_length=32)]
    """Random name of this process. A restarted rank is another member."""
    address: Annotated[str, Field(max_length=64)]
    """IP address at which other ranks reach it."""
    store_port: Annotated[int, Field(ge=1, le=65535)]
    """Port of its TCPStore, which all ranks use if it becomes rank 0."""
    node: Annotated[str, Field(max_length=253)] = ""
    numerics: Annotated[str, Field(max_length=128)] = ""
    """What its results depend on besides the job: device, torch version, threads. Equal for all ranks of a generation."""
    model: Annotated[str, Field(max_length=128)] = ""
    """Checksum of the files of `spec.model.from`, `spec.model.vectors` and `spec.training.augment.synonyms`. Equal for all ranks of a generation."""


class Join(Message):
    """Request to join the next generation."""

    member: Member
    generation: Number = 0
    """Newest generation this rank was a member of. A new coordinator continues numbering from it."""
    term: Number = 0
    """Newest term it has seen. A coordinator of an older term must reject it."""
    step: Count | None = None
    """Steps done by the state in its memory; None if it has none."""


class Membership(Message):
    """One generation with all its members."""

    term: int = 0
    """Term of the coordinator that sends it."""
    generation: int
    members: list[Member]
    """Ordered by (worker, local rank): the index is the rank."""

    def rank_of(self, incarnation: str) -> int:
        """Return the rank of a member. ValueError if it is not a member."""
        return [member.incarnation for member in self.members].index(incarnation)


class JoinPending(Message):
    """The generation has not started yet; send the join again."""

    waiting: Literal[True] = True
    joined: int
    desired: int


JoinAnswer = Membership | JoinPending
"""What a join is answered with. Neither has all fields that the other requires."""


class Heartbeat(Message):
    """Sign that a member is alive."""

    member: Member
    """The complete member, from which a new coordinator learns the membership."""
    generation: Number
    ranks: Ranks
    """Size of that generation, from which a new coordinator learns whether a member is missing."""
    step: Count
    compute_seconds: Seconds | None = None
    """Time this member spent on the microbatches of its last step, before the all-reduce; None before the first."""


class CurrentGeneration(Message):
    """The current generation, or the one to join next."""

    generation: int
    broken: bool = False
    """Whether a member of the previous generation is missing, so that its collectives will not complete."""


LeaveReason = Literal["Finished", "Stopped", "Failed"]


class Leave(Message):
    """A member leaves, or its supervisor reports that it has exited."""

    incarnation: ReportedText
    reason: LeaveReason
    exit_code: ReportedExitCode | None = None
    """Exit code, if the supervisor reports it; negative for a signal."""
    message: Annotated[str, Field(max_length=1024)] = ""
    last_lines: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=10)] = Field(
        default_factory=list
    )
    """Last lines of its log."""
    unresponsive_seconds: Seconds = 0.0
    """How long it had made no progress when it was killed for that."""


class CheckpointInfo(Message):
    """A complete checkpoint on its volume."""

    step: Count
    time: ReportedText
    path: ReportedText


class CheckpointWriteStats(Message):
    """Measurements of the last checkpoint write."""

    seconds: Seconds
    """Duration of the write."""
    size_bytes: Count
    volume_size_bytes: Count
    volume_free_bytes: Count
    """Free space on the volume."""


class GenerationStart(Message):
    """The state a generation started from."""

    step: Count
    """Steps done by that state."""
    source: Literal["Memory", "Checkpoint", "Beginning"]
    """Where it came from: a live rank, a checkpoint, or initialization."""
    seconds: Seconds
    """Time from the membership until every rank had the state."""


class TimeSpent(Message):
    """Time of rank 0 spent outside of steps, in seconds since its generation started."""

    compiling: Seconds = 0.0
    """First step of a process, in which kernels are loaded and compiled."""
    evaluating: Seconds = 0.0
    checkpoint: Seconds = 0.0
    """Blocked by a checkpoint: taking the snapshot, or waiting until the previous one is written."""


class BadStepInfo(Message):
    """A step that was not applied, because its loss or gradient norm is not finite."""

    step: Count
    """Steps done, this one included."""
    microbatch: Count | None = None
    """The first microbatch, from 0, whose loss or gradients are not finite; None if only their sum is not."""
    message: ReportedText
    """What was not finite, and where."""


class Progress(Message):
    """Progress after a step, reported by rank 0."""

    generation: Number
    step: Count
    steps: Count
    loss: float
    """Training loss of the step in nats per token, or the task's loss per sample."""
    learning_rate: float
    gradient_norm: float
    tokens: Count
    """Tokens trained on since step 0, replayed steps not counted."""
    tokens_per_second: float
    """Throughput of all ranks over the last few steps."""
    mfu: float | None = None
    """Model FLOPs utilization; None if the peak of the device is unknown."""
    held_out_loss: float | None = None
    """Held-out loss of the newest evaluation, in nats per token, or the task's loss per sample."""
    held_out_step: Count | None = None
    """Steps done by the evaluated state."""
    bad_steps: Count = 0
    """Steps that were not applied since training began, replayed ones counted once."""
    bad_step: BadStepInfo | None = None
    """The newest of them; None if this generation had none."""
    checkpoint: CheckpointInfo | None = None
    """Newest checkpoint."""
    checkpoint_write: CheckpointWriteStats | None = None
    """Measurements of the newest checkpoint that this process wrote."""
    checkpoint_error: Annotated[str, Field(max_length=512)] = ""
    """Why the newest checkpoint could not be written; empty if it was."""
    generation_start: GenerationStart | None = None
    """The state the generation started from."""
    time_spent: TimeSpent = TimeSpent()


class DesiredWorkers(Message):
    """Desired and minimum number of workers, and the state of the job that the operator has stored."""

    workers: Annotated[Number, Field(ge=1)]
    min_workers: Annotated[Number, Field(ge=1)] = 1
    ledger: TimeLedger | None = None
    """The time ledger that the operator has stored; a new coordinator continues from it."""
    step: Count = 0
    """Steps done that the operator has stored; a new coordinator recognizes replayed steps by it."""
    now_ms: Milliseconds | None = None
    """The operator's clock, to which ledgers refer, in milliseconds since 1970."""


class CoordinatorStatus(Message):
    """State of the job, as the coordinator reports it."""

    state: Literal["Waiting", "Training", "Finished"]
    generation: int
    desired: int
    """Desired number of ranks."""
    joined: int
    """Live ranks that have joined."""
    members: list[Member]
    """Members of the current generation; empty while waiting."""
    progress: Progress | None = None
    first_loss: float | None = None
    """Training loss of the first step that this coordinator saw."""
    first_step_time: str | None = None
    """When the first step of the job ended, RFC 3339."""
    ledger: TimeLedger | None = None
    """The time ledger of the job, as of this coordinator."""
    recoveries: list[RecoveryRecord] = Field(default_factory=list)
    """The newest recoveries since this coordinator started, oldest first."""
