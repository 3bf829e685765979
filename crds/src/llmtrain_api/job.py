"""LLMTrainingJob: what one person trains. Only fields that do something are here."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.model import DecimalString, Fraction, LabelKey, Labels, Model, ObjectName, Quantity
from llmtrain_api.names import MAX_WORKERS


class Resources(Model):
    """What one worker needs beside its GPUs. Requests and limits are the same, so nothing is overcommitted."""

    cpu: Quantity = "1"
    """CPU cores of one worker, such as "4" or "500m". A rank computes with as many threads as its whole cores."""
    memory: Quantity = "2Gi"
    """Memory of one worker, such as "16Gi". A worker that uses more is killed and counted as a failure."""


class Toleration(Model):
    """Lets workers run on nodes that carry a taint."""

    key: LabelKey
    """Key of the taint."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Equal compares `value`; Exists accepts any value."""
    value: Annotated[str, Field(max_length=63)] = ""
    """Value of the taint, for operator Equal."""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    """Effect of the taint; empty means every effect."""


class EnvironmentVariable(Model):
    """One environment variable of the workers, by value: there is no way to name a Secret."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable. Names that begin with LLMTRAIN_ are the operator's."""
    value: Annotated[str, Field(max_length=1024)] = ""
    """Value of the variable."""


class Workers(Model):
    """The pods that train, all alike. `kubectl scale ltj/NAME --replicas=N` changes their number."""

    min: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = 1
    """Fewest workers that may train. `replicas` can't be scaled below it."""
    replicas: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = 1
    """Workers wanted now, scheduled all together or not at all."""
    max: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = MAX_WORKERS
    """Most workers that may train. `replicas` can't be scaled above it."""
    gpus: Annotated[int, Field(ge=0, le=16)] = 0
    """GPUs of one worker; one trainer process (a rank) runs for each. 0 trains on the CPU with one rank."""
    resources: Resources = Resources()
    """CPU and memory of one worker."""
    node_selector: Labels = Field(default_factory=dict)
    """Labels that a node must carry to run a worker."""
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)
    """Taints that workers put up with."""
    env: Annotated[list[EnvironmentVariable], Field(max_length=64)] = Field(default_factory=list)
    """Environment variables of the workers."""

    @property
    def ranks(self) -> int:
        """Trainer processes of one worker."""
        return max(self.gpus, 1)


class ModelSpec(Model):
    """The network to train: a preset, and what to change in it."""

    name: Literal["gpt"] = "gpt"
    """gpt is a decoder of the Llama family: rotary positions, RMSNorm, SwiGLU, grouped-query attention."""
    preset: Literal["tiny", "small", "medium", "large"] = "tiny"
    """Size: tiny learns in minutes on two CPU cores; small, medium and large are near GPT-2's 124M, 355M and 774M."""
    layers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Transformer blocks; unset takes the preset's."""
    width: Annotated[int, Field(ge=8, le=65536)] | None = None
    """Size of the residual stream; unset takes the preset's."""
    heads: Annotated[int, Field(ge=1, le=512)] | None = None
    """Query heads of one block; unset takes the preset's."""
    kv_heads: Annotated[int, Field(ge=1, le=512)] | None = None
    """Key and value heads shared by the query heads; unset takes the preset's."""
    context_length: Annotated[int, Field(ge=8, le=1048576)] | None = None
    """Tokens the model sees at once; unset takes the preset's."""


class Task(Model):
    """What the model learns to do."""

    name: Literal["pretrain"] = "pretrain"
    """pretrain predicts the next token of running text."""


ScriptArgument = Annotated[str, Field(max_length=1024)]


class Entrypoint(Model):
    """A program of one's own that the workers run in place of llmtrain's model. Name one of `module` and `script`."""

    module: (
        Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")] | None
    ) = None
    """Python module of the trainer image, run as by `python -m`."""
    script: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Python file on the volume of `data.source`, relative to its root; one that begins with '/' is in the image."""
    arguments: Annotated[list[ScriptArgument], Field(max_length=64)] = Field(default_factory=list)
    """Its arguments."""
    mode: Literal["Elastic", "Torchrun"] = "Elastic"
    """Elastic: it calls llmtrain.train, which keeps the state through all changes of membership. Torchrun: it finds the environment that torchrun gives, and is started anew at each change."""

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.module or self.script or ""


class Source(Model):
    """Where the text is. Name one of `path` and `bundled`; with an entrypoint `path` is optional, and its own affair."""

    volume: ObjectName
    """Volume that holds the text and keeps the tokens made from it: a claim of this namespace, or a storage pool of the cluster."""
    path: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """File or folder of UTF-8 text on the volume, relative to its root."""
    bundled: Literal["python-stdlib"] | None = None
    """Text that the trainer image carries, in place of `path`: python-stdlib is the source of Python's standard library."""


class Tokenizer(Model):
    """How text becomes tokens."""

    kind: Literal["bpe"] = "bpe"
    """bpe is byte-level byte-pair encoding, trained on the job's own text."""
    vocab_size: Annotated[int, Field(ge=257, le=1048576)] = 4096
    """Number of different tokens, special ones included."""


class Data(Model):
    """The text to learn from. It is tokenized once; jobs with the same text and settings share the result."""

    source: Source
    """Where the text is."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes tokens."""
    held_out_percent: Annotated[int, Field(ge=1, le=50)] = 5
    """Percent of the files that are never trained on, to evaluate with."""


class Optimizer(Model):
    """How the weights change."""

    name: Literal["adamw"] = "adamw"
    """adamw is Adam with decoupled weight decay."""
    learning_rate: DecimalString = "3e-4"
    """Highest learning rate, reached after the warm-up."""
    weight_decay: DecimalString = "0.1"
    """Weight decay of matrices; vectors have none."""
    beta1: DecimalString = "0.9"
    """Decay of the mean of the gradients."""
    beta2: DecimalString = "0.95"
    """Decay of the mean of their squares."""


class Training(Model):
    """How long and in what portions to learn."""

    steps: Annotated[int, Field(ge=1, le=100_000_000)]
    """Optimizer steps in all."""
    microbatches: Annotated[int, Field(ge=1, le=MAX_WORKERS * 16)] = 8
    """Microbatches of one step, shared out among the ranks: the step is the same whatever their number."""
    microbatch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Sequences of one microbatch."""
    optimizer: Optimizer = Optimizer()
    """How the weights change."""
    warmup_steps: Annotated[int, Field(ge=0, le=100_000_000)] = 20
    """Steps over which the learning rate rises from nothing; afterwards it falls along a cosine to a tenth."""
    clip_norm: DecimalString = "1.0"
    """Gradients with a larger norm are scaled down to it."""
    dropout: Fraction = "0"
    """Fraction of the residual stream that is dropped at random while training, at least 0 and below 1."""
    reduction: Literal["Exact", "Fast"] = "Exact"
    """Exact adds gradients in a fixed order: the same bits at any number of workers. Fast leaves the order open."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Type of the matrix products; weights and optimizer state are float32."""
    seed: Annotated[int, Field(ge=0, le=2147483647)] = 0
    """Seed of weights and data order."""


class Checkpoint(Model):
    """Where and how often the state of the training is kept."""

    volume: ObjectName
    """Volume for checkpoints and the exported model: a claim of this namespace, or a storage pool of the cluster."""
    every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Steps between two checkpoints; there is always one after the last step."""
    keep_last: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many of the newest checkpoints stay."""
    keep_best: Annotated[int, Field(ge=0, le=1000)] = 1
    """How many of those with the lowest held-out loss stay beside them; only steps that are evaluated too are compared."""


class Sample(Model):
    """Text the trained model is asked to go on with."""

    prompt: Annotated[str, Field(min_length=1, max_length=1024)] = "def "
    """Beginning of the text."""
    tokens: Annotated[int, Field(ge=1, le=1024)] = 64
    """Tokens to write."""


class Evaluation(Model):
    """How the model is judged, on text it never saw."""

    every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Steps between two evaluations while training; there is always one at the end."""
    metrics: Annotated[list[Literal["perplexity"]], Field(min_length=1, max_length=1)] = ["perplexity"]  # noqa: RUF012 - pydantic copies it
    """What is measured: perplexity, beside that of a model that knows only how often each token occurs."""
    sample: Sample = Sample()
    """Text the trained model is asked to go on with."""


class Recovery(Model):
    """How many failures are put up with before the job fails."""

    max_failures: Annotated[int, Field(ge=0, le=1000)] = 10
    """Failures within the window that are recovered from; one more fails the job."""
    window_seconds: Annotated[int, Field(ge=1, le=2592000)] = 3600
    """Length of the window; older failures are forgiven."""
    hang_seconds: Annotated[int, Field(ge=5, le=86400)] = 300
    """A trainer process that takes longer for one microbatch is killed and replaced. It can't be changed once the job has started."""


class Scheduling(Model):
    """How the pods find their nodes."""

    gang: Literal["Auto", "Off"] = "Auto"
    """Auto schedules all pods at once or none where the cluster can (an event says if it can't); Off one by one."""
    priority_class_name: Annotated[str, Field(max_length=253)] = ""
    """PriorityClass of the pods; empty takes the cluster's default."""


class JobSpec(Model):
    """What to train, on what, and how."""

    cluster: ObjectName = "default"
    """LLMCluster whose nodes and storage the job uses."""
    image: Annotated[str, Field(max_length=512)] = ""
    """Trainer image; empty takes the one the operator was installed with."""
    workers: Workers = Workers()
    """The pods that train, all alike. `kubectl scale ltj/NAME --replicas=N` changes their number."""
    entrypoint: Entrypoint | None = None
    """A program of one's own that the workers run in place of llmtrain's model. It can't be changed once the job has started."""
    model: ModelSpec = ModelSpec()
    """The network to train. It can't be changed once the job has started."""
    task: Task = Task()
    """What the model learns to do. It can't be changed once the job has started."""
    data: Data
    """The text to learn from. It can't be changed once the job has started."""
    training: Training
    """How long and in what portions to learn. It can't be changed once the job has started."""
    checkpoint: Checkpoint
    """Where and how often the state of the training is kept."""
    evaluation: Evaluation = Evaluation()
    """How the model is judged."""
    recovery: Recovery = Recovery()
    """How many failures are put up with."""
    scheduling: Scheduling = Scheduling()
    """How the pods find their nodes."""
    suspend: bool = False
    """true stops the pods after a checkpoint and keeps everything else; false goes on from there."""
    active_deadline_seconds: Annotated[int, Field(ge=1, le=31536000)] | None = None
    """Seconds from the start after which an unfinished job fails; unset means no limit."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31536000)] | None = None
    """Seconds after its end when the job object is deleted; unset keeps it. Volumes always stay."""
