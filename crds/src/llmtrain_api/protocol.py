"""What trainers, coordinator and operator say to each other: JSON over HTTP.

    POST /v1/join       Join -> Membership, or Waiting after some seconds (ask again)
    POST /v1/heartbeat  Heartbeat -> Generation          held open until the generation ends or it is time for the next
    POST /v1/progress   Progress -> Generation           from the first member only
    POST /v1/leave      Leave -> Generation
    PUT  /v1/workers    Wanted -> CoordinatorStatus      from the operator
    GET  /v1/status     CoordinatorStatus
    GET  /metrics, /healthz

Every request carries the header `X-Llmtrain-Job: <uid of the job>`; another job's is answered 403.
A refused message is answered 409 with `{"error": "<sentence>"}` and is not worth repeating.

A *generation* is one membership: an ordered list of members; the numbers only grow. The first begins when
every wanted rank has joined. Later ones begin as soon as all living ranks have joined again, if enough are
left. A generation ends when one of its members leaves, dies or is replaced, when a newcomer joins, or when
another number of workers is wanted. Its members hear of it at once, as each holds a heartbeat open. If no
member is missing they finish the step; if one is, the generation is *broken*: they drop what they wait for.

A *term* is the life of one coordinator pod. Where two live, one of them cut off, the older one's word is void.

A member is dead when its connection closes, when its supervisor says so, or when it is silent for a lease.
"""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.model import Message
from llmtrain_api.time_ledger import TimeLedger

JOB_HEADER = "X-Llmtrain-Job"
LEASE_SECONDS = 2.0
"""A member silent for so long is taken for dead."""
HEARTBEAT_SECONDS = 0.4
"""How long a heartbeat is held open."""
LAST_CALL_SECONDS = 30.0
"""How long the first generation waits for all wanted ranks once there are enough."""
JOIN_LONG_POLL_SECONDS = 20.0
"""How long a join is held open before it is answered with Waiting."""


class Member(Message):
    """One rank: a trainer process."""

    worker: Annotated[int, Field(ge=0)]
    local_rank: Annotated[int, Field(ge=0)]
    """Its number in its worker."""
    incarnation: Annotated[str, Field(max_length=32)]
    """Random name of this process: a restarted rank is another member."""
    address: Annotated[str, Field(max_length=64)]
    """IP address the other ranks reach it at."""
    store_port: Annotated[int, Field(ge=1, le=65535)]
    """Port of the store it has opened, used by all if it becomes the first member."""
    node: Annotated[str, Field(max_length=253)] = ""
    numerics: Annotated[str, Field(max_length=128)] = ""
    """What its bits depend on beside the job: device, torch, threads. Ranks of a generation have the same."""


class Join(Message):
    """Asks for a place in the next generation."""

    member: Member
    generation: Annotated[int, Field(ge=0)] = 0
    """Newest generation this trainer has been in: a new coordinator goes on counting from there."""
    term: Annotated[int, Field(ge=0)] = 0
    """Newest term it has been in: a coordinator of an older one must not have it back."""
    step: Annotated[int, Field(ge=0)] | None = None
    """Steps done by the state that it holds in memory; None if it holds none."""


class Membership(Message):
    """One generation, complete."""

    term: int = 0
    """Which of the job's coordinators, one after the other, this is from."""
    generation: int
    members: list[Member]
    """Ordered by (worker, local rank): the index is the rank."""

    def rank_of(self, incarnation: str) -> int:
        """Return the rank of a member; ValueError if it is none."""
        return [member.incarnation for member in self.members].index(incarnation)


class JoinPending(Message):
    """Not everyone is there yet: ask again."""

    waiting: Literal[True] = True
    joined: int
    desired: int


class Heartbeat(Message):
    """Says that a member lives."""

    member: Member
    """All of it: a new coordinator knows from it who trains."""
    generation: int
    ranks: int
    """Members of that generation: a new coordinator knows from it whether one is missing."""
    step: int
    compute_seconds: float | None = None
    """What the last step's microbatches took this member, before it met the others; None if it has done none."""


class CurrentGeneration(Message):
    """The generation that holds now, or the one to make for."""

    generation: int
    broken: bool = False
    """Whether a member of the one before is missing: what it takes part in will never end."""


LeaveReason = Literal["Finished", "Stopped", "Failed"]


class Leave(Message):
    """Says that a member is going, or, from its supervisor, that it is gone."""

    incarnation: str
    reason: LeaveReason
    exit_code: int | None = None
    """How the process ended, if its supervisor says so; that of a signal is negative."""
    message: Annotated[str, Field(max_length=1024)] = ""
    last_lines: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=10)] = Field(
        default_factory=list
    )
    """The end of its log."""
    unresponsive_seconds: Annotated[float, Field(ge=0)] = 0.0
    """How long it had done nothing before it was killed for that."""


class CheckpointInfo(Message):
    """A checkpoint that is safely on its volume."""

    step: int
    time: str
    path: str


class CheckpointWriteStats(Message):
    """What the writer found when it last wrote a checkpoint."""

    seconds: float
    """How long it took."""
    size_bytes: int
    volume_size_bytes: int
    volume_free_bytes: int
    """Room that is left on the volume."""


class GenerationStart(Message):
    """Where a generation began."""

    step: int
    """Steps done by the state it began with."""
    source: Literal["Memory", "Checkpoint", "Beginning"]
    """Where that state was: in a living rank, on the volume, or nowhere yet."""
    seconds: float
    """From the membership until every rank had the state."""


class TimeSpent(Message):
    """What the first rank's time went into beside steps, in seconds since its generation began."""

    compiling: float = 0.0
    """The first step of a process: kernels are loaded and compiled."""
    evaluating: float = 0.0
    checkpoint: float = 0.0
    """Waiting for a checkpoint: its copy is made, or the one before is still being written."""


class Progress(Message):
    """How far the training is, after a step."""

    generation: int
    step: int
    steps: int
    loss: float
    """Training loss of the step in nats a token."""
    learning_rate: float
    gradient_norm: float
    tokens: int
    """Tokens trained on since step 0, recomputed steps not counted."""
    tokens_per_second: float
    """Over the last few steps, of all ranks together."""
    mfu: float | None = None
    """Part of what the chips could do at best that goes into the model; None if that isn't known."""
    held_out_loss: float | None = None
    """Newest evaluation, in nats a token."""
    held_out_step: int | None = None
    """Steps done by the state that was evaluated."""
    checkpoint: CheckpointInfo | None = None
    """Newest checkpoint."""
    checkpoint_write: CheckpointWriteStats | None = None
    """How the newest checkpoint of the first rank's process was written."""
    checkpoint_error: Annotated[str, Field(max_length=512)] = ""
    """Why the newest attempt at a checkpoint failed; empty if it did not."""
    generation_start: GenerationStart | None = None
    """Where the generation began."""
    time_spent: TimeSpent = TimeSpent()


class ProcessFailure(Message):
    """A trainer process that died, and was replaced in its pod."""

    worker: int
    local_rank: int
    node: str = ""
    exit_code: int
    """That of a signal is negative."""
    message: str = ""
    last_lines: list[str] = Field(default_factory=list)


RecoveryMethod = Literal["process", "pod", "checkpoint"]
"""What a recovery took: another process in the same pod, another pod, or going back to the newest checkpoint."""
RECOVERY_PHASES = ("detect", "rendezvous", "restore", "replay")


class RecoveryRecord(Message):
    """A loss that the training has recovered from."""

    term: int = 0
    """That of the coordinator that saw it: numbers of generations may begin anew in the next one."""
    generation: int
    """The generation that broke: with the term it names the recovery."""
    method: RecoveryMethod
    time: str
    """When it broke, RFC 3339."""
    detect_seconds: float
    """From the last sign of life until the loss was known."""
    rendezvous_seconds: float
    """Until the next generation began."""
    restore_seconds: float
    """Until every rank had the state."""
    replay_seconds: float
    """Until the steps were done again that were lost."""
    replayed_steps: int
    process_failure: ProcessFailure | None = None
    """The process that died, if its supervisor lived to tell."""

    @property
    def seconds_by_phase(self) -> dict[str, float]:
        """Return what took how long."""
        return {part: getattr(self, f"{part}_seconds") for part in RECOVERY_PHASES}


class DesiredWorkers(Message):
    """How many workers the job shall have, and with how many it may train."""

    workers: Annotated[int, Field(ge=1)]
    min_workers: Annotated[int, Field(ge=1)] = 1
    ledger: TimeLedger | None = None
    """The life of the job as the operator knows it: a new coordinator goes on from there."""
    step: Annotated[int, Field(ge=0)] = 0
    """Steps done as the operator knows it: a new coordinator knows from it what is done again."""
    now_ms: Annotated[int, Field(ge=0)] | None = None
    """The operator's clock, which counts: milliseconds since 1970."""


class CoordinatorStatus(Message):
    """What the coordinator knows of the job."""

    state: Literal["Waiting", "Training", "Finished"]
    generation: int
    desired: int
    """Ranks wanted."""
    joined: int
    """Ranks that have joined and live."""
    members: list[Member]
    """Members of the current generation; empty while waiting."""
    progress: Progress | None = None
    first_loss: float | None = None
    """Training loss of the first step seen."""
    first_step_time: str | None = None
    """When the first step of the job ended, RFC 3339."""
    ledger: TimeLedger | None = None
    """The life of the job as far as this coordinator has accounted for it."""
    recoveries: list[RecoveryRecord] = Field(default_factory=list)
    """The newest recoveries since this coordinator began, oldest first."""
