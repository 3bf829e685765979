"""Status of an LLMTrainingJob: what the operator saw, for people and for its own next look.

Fast figures belong in Prometheus; these are as fresh as the last look of the operator.
"""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.conditions import Condition
from llmtrain_api.model import Model, Sentence, Timestamp

Lines = Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=64)]


class WorkersStatus(Model):
    """How many workers there are."""

    desired: Annotated[int, Field(ge=0)] = 0
    """Workers wanted."""
    ready: Annotated[int, Field(ge=0)] = 0
    """Worker pods that run."""
    active: Annotated[int, Field(ge=0)] = 0
    """Workers that take part in the training."""
    selector: Annotated[str, Field(max_length=256)] = ""
    """Label selector of the worker pods, for `kubectl scale` and autoscalers."""


class ProgressStatus(Model):
    """How far the training is."""

    step: Annotated[int, Field(ge=0)]
    """Optimizer steps done."""
    steps: Annotated[int, Field(ge=0)]
    """Optimizer steps in all."""
    percent: Annotated[int, Field(ge=0, le=100)]
    """Steps done in percent."""
    eta: Annotated[str, Field(max_length=32)] = ""
    """Time left at the present speed, such as 1h20m."""
    loss: Annotated[str, Field(max_length=32)]
    """Training loss of the last step, in nats a token."""
    first_loss: Annotated[str, Field(max_length=32)] = ""
    """Training loss of the first step."""
    held_out_loss: Annotated[str, Field(max_length=32)] = ""
    """Loss on held-out text at the last evaluation."""
    tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens trained on."""
    tokens_per_second: Annotated[int, Field(ge=0)] = 0
    """Training speed of all ranks together."""


class DatasetStatus(Model):
    """The tokens made from the job's text."""

    id: Annotated[str, Field(max_length=64)]
    """Hash of text and settings."""
    tokens: int
    """Tokens to train on."""
    held_out_tokens: int
    """Tokens to evaluate with."""
    vocab_size: int
    """Different tokens."""


class CheckpointStatus(Model):
    """The newest checkpoint."""

    step: int
    """Steps done when it was taken."""
    time: Timestamp
    """When it was complete."""
    path: Annotated[str, Field(max_length=1024)]
    """Its folder on the checkpoint volume."""


class ModelStatus(Model):
    """The trained model."""

    volume: Annotated[str, Field(max_length=63)]
    """Volume it is on."""
    path: Annotated[str, Field(max_length=1024)]
    """Its folder there, in the Hugging Face layout."""
    parameters: int
    """Number of weights."""
    sha256: Annotated[str, Field(max_length=64)] = ""
    """Hash of the exported weights: the same for the same job, whatever happened to its workers."""
    loss: Annotated[str, Field(max_length=32)]
    """Held-out loss in nats a token."""
    perplexity: Annotated[str, Field(max_length=32)]
    """Held-out perplexity: e to the loss."""
    unigram_perplexity: Annotated[str, Field(max_length=32)]
    """The same of a model that knows only how often each token occurs."""
    sample: Annotated[str, Field(max_length=2048)] = ""
    """What it wrote when asked."""


class Failure(Model):
    """One pod that ended badly."""

    pod: Annotated[str, Field(max_length=253)]
    """Name of the pod."""
    uid: Annotated[str, Field(max_length=64)]
    """Its uid: a failure is counted once, whatever happens to the operator."""
    node: Annotated[str, Field(max_length=253)] = ""
    """Node it ran on."""
    time: Timestamp
    """When the operator saw it."""
    exit_code: int | None = None
    """Exit code of its container; unset if the pod was lost with its node or deleted."""
    reason: Annotated[str, Field(max_length=64)] = ""
    """Such as OOMKilled, Crashed, BadInput, Evicted."""
    message: Sentence = ""
    """What it said of itself."""
    last_lines: Lines = Field(default_factory=list)
    """The end of its log."""


class RecoveriesByMethod(Model):
    """Recoveries by what they took."""

    process: Annotated[int, Field(ge=0)] = 0
    """Another process in the same pod."""
    pod: Annotated[int, Field(ge=0)] = 0
    """Another pod; the others went on meanwhile."""
    checkpoint: Annotated[int, Field(ge=0)] = 0
    """Going back to the newest checkpoint, as no process held the state any more."""


class LastRecovery(Model):
    """The newest recovery."""

    term: Annotated[int, Field(ge=0)] = 0
    """Which of the job's coordinators saw it: memberships may be counted anew by the next one."""
    membership_generation: int
    """The membership that broke: with the term it names the recovery."""
    method: Annotated[str, Field(max_length=16)]
    """What it took: process, pod or checkpoint."""
    time: Timestamp
    """When the membership broke."""
    seconds: Annotated[str, Field(max_length=16)]
    """From the last sign of life of what was lost until a new step was done."""
    replayed_steps: Annotated[int, Field(ge=0)]
    """Steps that were done again."""


class Recoveries(Model):
    """Failures that were recovered from."""

    count: Annotated[int, Field(ge=0)] = 0
    """Failures of pods and of trainer processes, all since the job began."""
    by_method: RecoveriesByMethod = RecoveriesByMethod()
    """Recoveries of the training by what they took; one may answer several failures at once."""
    replayed_steps: Annotated[int, Field(ge=0)] = 0
    """Steps that were done again."""
    last: LastRecovery | None = None
    """The newest recovery."""
    recent: Annotated[list[Failure], Field(max_length=32)] = Field(default_factory=list)
    """The newest, without their logs."""
    times: Annotated[list[Timestamp], Field(max_length=1001)] = Field(default_factory=list)
    """When each within the window was, to hold the budget against."""


class PodLogTail(Model):
    """The end of the log of a pod that is no longer there."""

    pod: Annotated[str, Field(max_length=253)]
    """Name of the pod."""
    lines: Lines
    """Its last lines."""


class GoodputStatus(Model):
    """What the job's life went into so far."""

    ratio: Annotated[str, Field(max_length=8)]
    """Part of it in which the job trained and did nothing twice."""
    until: Timestamp
    """The instant up to which it is accounted for."""
    seconds: Annotated[dict[str, Annotated[str, Field(max_length=16)]], Field(max_length=16)]
    """Seconds by kind: queued, starting, compiling, stepping, waiting, recovering, replaying, checkpoint, evaluating. Each second is of one kind."""


class JobStatus(Model):
    """What the operator saw of the job."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """Generation of the spec that the operator last acted on."""
    conditions: Annotated[list[Condition], Field(max_length=16)] = Field(default_factory=list)
    """Scheduled, Running, Suspended, Succeeded and Failed, each with a reason and a sentence."""
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
    """One word for people; programs read the conditions."""
    start_time: Timestamp | None = None
    """When the first pod was made."""
    first_step_time: Timestamp | None = None
    """When the first training step ended."""
    finish_time: Timestamp | None = None
    """When the job succeeded or failed."""
    trainer_image: Annotated[str, Field(max_length=512)] = ""
    """Trainer image the job began with and keeps: an upgrade of the operator doesn't change a running job."""
    coordinator_image: Annotated[str, Field(max_length=512)] = ""
    """Coordinator image the job began with and keeps."""
    coordinator_term: Annotated[int, Field(ge=0)] = 0
    """How many coordinators the job has had: what an older one says is void."""
    training_completed: bool = False
    """Whether all steps are done."""
    workers: WorkersStatus = WorkersStatus()
    """How many workers there are."""
    progress: ProgressStatus | None = None
    """How far the training is."""
    dataset: DatasetStatus | None = None
    """The tokens made from the job's text."""
    checkpoint: CheckpointStatus | None = None
    """The newest checkpoint."""
    model: ModelStatus | None = None
    """The trained model."""
    goodput: GoodputStatus | None = None
    """What the job's life went into."""
    recoveries: Recoveries = Recoveries()
    """Failures that were recovered from."""
    first_failure: Failure | None = None
    """The first pod that ended badly; it stays when the pod is gone."""
    logs: Annotated[list[PodLogTail], Field(max_length=16)] = Field(default_factory=list)
    """The end of the logs of the pods that were cleaned up."""
