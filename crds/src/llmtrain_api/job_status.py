"""Status of an LLMTrainingJob: its observed state, which the operator also resumes from.

Values are as of the last reconciliation. Prometheus has the current ones.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from llmtrain_api.conditions import Conditions
from llmtrain_api.job_results import DatasetStatus, ModelSourceStatus, ModelStatus
from llmtrain_api.model import Model, Sentence, Timestamp
from llmtrain_api.progress_status import BadStepsStatus, ProgressStatus
from llmtrain_api.unknown_values import without_unknown_values

DISPLAYED = frozenset({"stage", "progress", "badSteps", "goodput", "checkpoint", "workers", "logs"})
"""Fields that no decision rests on: the operator computes them again."""
Lines = Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=64)]


class WorkersStatus(Model):
    """Numbers of workers."""

    desired: Annotated[int, Field(ge=0)] = 0
    """Desired number of workers."""
    ready: Annotated[int, Field(ge=0)] = 0
    """Worker pods that are ready."""
    active: Annotated[int, Field(ge=0)] = 0
    """Workers that are members of the current generation."""
    selector: Annotated[str, Field(max_length=256)] = ""
    """Label selector of the worker pods, for the scale subresource."""


class CheckpointStatus(Model):
    """The newest checkpoint."""

    step: int
    """Steps done by the saved state."""
    time: Timestamp
    """When the checkpoint was complete."""
    path: Annotated[str, Field(max_length=1024)]
    """Directory of the checkpoint, relative to the root of the checkpoint volume."""


class Failure(Model):
    """A failed pod, a failed trainer process in it, or a disrupted pod."""

    pod: Annotated[str, Field(max_length=253)]
    """Name of the pod."""
    uid: Annotated[str, Field(max_length=64)]
    """UID of the pod. It identifies the failure, so that each is counted once."""
    node: Annotated[str, Field(max_length=253)] = ""
    """Node that the pod ran on."""
    time: Timestamp
    """When the operator observed the failure."""
    term: Annotated[int, Field(ge=0)] = 0
    """Term of the coordinator at that time."""
    membership_generation: Annotated[int, Field(ge=0)] = 0
    """Membership generation that lost the pod or process; 0 if it is not known."""
    exit_code: int | None = None
    """Exit code of the container. Unset if the pod was deleted or lost with its node."""
    reason: Annotated[str, Field(max_length=64)] = ""
    """Reason of the failure, such as OOMKilled, Crashed, BadInput, Evicted or NodeLost; of a disruption that of the pod's condition DisruptionTarget, such as PreemptionByScheduler, or PodDeleted or CoordinatorLost."""
    disruption: bool = False
    """Whether the pod was drained, preempted, evicted or deleted by others, or is a coordinator that no longer answered. That does not spend the failure budget."""
    action: Literal["", "Fail", "Count", "Ignore"] = ""
    """Action of the rule in spec.recovery.rules that matches the failure; empty if none does."""
    program_error: bool = False
    """Whether the program of `spec.entrypoint` failed with an error of its own before it had completed a step, in mode Elastic."""
    message: Sentence = ""
    """Error message of the process."""
    last_lines: Lines = Field(default_factory=list)
    """Last lines of its log."""

    @property
    def counts(self) -> bool:
        """Whether it spends the failure budget: disruptions do not, unless a rule says so."""
        return self.action != "Ignore" and (not self.disruption or self.action in ("Count", "Fail"))


class FailedPod(Model):
    """What delays and counts rest on of the pods that had one name, however many others fail."""

    pod: Annotated[str, Field(max_length=253)]
    """Name of the pods."""
    uid: Annotated[str, Field(max_length=64)]
    """UID of the last one that failed or was disrupted, so that each is recorded once."""
    failures: Annotated[int, Field(ge=0)] = 0
    """Failures in a row, each within `spec.recovery.windowSeconds` of the one before; loss of a node and disruptions aside."""
    time: Timestamp | None = None
    """When the last of these was observed."""
    reason: Annotated[str, Field(max_length=64)] = ""
    """Reason of the last of these."""
    disruption_time: Timestamp | None = None
    """When a pod was disrupted last."""


class RecoveriesByMethod(Model):
    """Number of recoveries by method."""

    process: Annotated[int, Field(ge=0)] = 0
    """A new process in the same pod."""
    pod: Annotated[int, Field(ge=0)] = 0
    """A new pod; the other workers continued to train."""
    checkpoint: Annotated[int, Field(ge=0)] = 0
    """The newest checkpoint was restored, because no process held the state."""


class LastRecovery(Model):
    """The newest recovery."""

    term: Annotated[int, Field(ge=0)] = 0
    """Term of the coordinator that recorded it. Membership generations can repeat in another term."""
    membership_generation: int
    """Membership generation that lost a member. Together with the term it identifies the recovery."""
    method: Annotated[str, Field(max_length=16)]
    """How the job recovered: process, pod or checkpoint."""
    time: Timestamp
    """When the loss was detected."""
    seconds: Annotated[str, Field(max_length=16)]
    """Seconds from the last heartbeat of the lost member to the first new step."""
    replayed_steps: Annotated[int, Field(ge=0)]
    """Steps that were repeated."""


class Recoveries(Model):
    """Failures and recoveries of the job."""

    count: Annotated[int, Field(ge=0)] = 0
    """Failures of pods and trainer processes since the job was created. The end of a pod that follows from deaths of its processes is not counted again."""
    disruptions: Annotated[int, Field(ge=0)] = 0
    """Pods that were drained, preempted, evicted or deleted by others since the job was created, and coordinators that were replaced because they no longer answered."""
    by_method: RecoveriesByMethod = RecoveriesByMethod()
    """Recoveries of the training by method. One recovery can resolve several failures."""
    replayed_steps: Annotated[int, Field(ge=0)] = 0
    """Steps that were repeated."""
    last: LastRecovery | None = None
    """The newest recovery."""
    recent: Annotated[list[Failure], Field(max_length=32)] = Field(default_factory=list)
    """The newest failures and disruptions, without log lines."""
    pods: Annotated[list[FailedPod], Field(max_length=520)] = Field(default_factory=list)
    """One entry for each name of a pod that failed or was disrupted lately. Restarts are delayed by it."""
    times: Annotated[list[Timestamp], Field(max_length=1001)] = Field(default_factory=list)
    """When the incidents within the window of `spec.recovery.windowSeconds` began; the failure budget counts them. Failures within 30 seconds, or of one node or of one membership generation within 10 minutes are one incident; a worker that fails again later is another."""


class PodLogTail(Model):
    """Last lines of the log of a deleted pod."""

    pod: Annotated[str, Field(max_length=253)]
    """Name of the pod."""
    lines: Lines
    """Last lines of the log."""


class GoodputStatus(Model):
    """How the lifetime of the job has been spent."""

    ratio: Annotated[str, Field(max_length=8)]
    """Fraction of the job's lifetime spent on training steps, replays excluded."""
    until: Timestamp
    """End of the accounted time."""
    seconds: Annotated[dict[str, Annotated[str, Field(max_length=16)]], Field(max_length=16)]
    """Seconds by category: queued, starting, compiling, stepping, waiting, recovering, replaying, checkpoint, evaluating. Each second belongs to one category."""


class JobStatus(Model):
    """Observed state of the job."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """`metadata.generation` of the spec that the operator last acted on."""
    conditions: Conditions = Field(default_factory=list)
    """Conditions of the job: Scheduled, Running, Suspended, Degraded, Succeeded and Failed."""
    stage: Literal[
        "",
        "Waiting",
        "Preparing",
        "Starting",
        "Training",
        "Recovering",
        "Suspended",
        "Publishing",
        "Succeeded",
        "Failed",
    ] = ""
    """Summary of the conditions, for display. Programs should read the conditions."""
    start_time: Timestamp | None = None
    """When the first pod was created."""
    suspend_time: Timestamp | None = None
    """Since when the job is suspended. Unset while it is not."""
    suspended_seconds: Annotated[int, Field(ge=0)] = 0
    """Seconds of earlier suspensions since the start. They do not count towards `spec.activeDeadlineSeconds`."""
    first_step_time: Timestamp | None = None
    """When the first training step ended."""
    finish_time: Timestamp | None = None
    """When the job succeeded or failed."""
    model_source: ModelSourceStatus | None = None
    """Where the job in `spec.model.from` published its model, or that in `spec.model.vectors` its word vectors. It is fixed at the start, so the job does not need that one any more."""
    pool: Annotated[str, Field(max_length=63)] = ""
    """Compute pool that the pods of the job are placed in. It is chosen when the job starts, and again when it is resumed."""
    trainer_image: Annotated[str, Field(max_length=512)] = ""
    """Trainer image of the job. It is fixed at the start, so that an upgrade of the operator does not change a running job."""
    coordinator_image: Annotated[str, Field(max_length=512)] = ""
    """Coordinator image of the job, fixed at the start."""
    coordinator_term: Annotated[int, Field(ge=0)] = 0
    """Number of coordinators that the job has had. Messages of a coordinator with a lower term are rejected."""
    training_completed: bool = False
    """Whether all training steps are done."""
    workers: WorkersStatus = WorkersStatus()
    """Numbers of workers."""
    progress: ProgressStatus | None = None
    """Progress of the training."""
    bad_steps: BadStepsStatus | None = None
    """Steps that were not applied, because their loss or gradient norm is not finite. Unset if there was none."""
    dataset: DatasetStatus | None = None
    """The tokenized dataset."""
    checkpoint: CheckpointStatus | None = None
    """The newest checkpoint."""
    model: ModelStatus | None = None
    """The trained model."""
    goodput: GoodputStatus | None = None
    """How the lifetime of the job has been spent."""
    recoveries: Recoveries = Recoveries()
    """Failures and recoveries of the job."""
    first_failure: Failure | None = None
    """The first failure. It is kept after the pod is deleted."""
    logs: Annotated[list[PodLogTail], Field(max_length=16)] = Field(default_factory=list)
    """Last log lines of the pods that were deleted when the job finished."""

    @classmethod
    def from_server(cls, document: Mapping[str, Any]) -> Self:
        """Return the status in `document`, without unknown fields and values, and without displayed fields that cannot be read.

        So what a newer operator wrote does not keep an older one from its jobs. ValidationError if another field is invalid.
        """
        try:
            return super().from_server(document)
        except ValidationError:
            document = without_unknown_values(cls, document)
        try:
            return super().from_server(document)
        except ValidationError as error:
            invalid = {str(details["loc"][0]) if details["loc"] else "" for details in error.errors()}
            if not invalid <= DISPLAYED:
                raise
            return super().from_server({name: value for name, value in document.items() if name not in invalid})
