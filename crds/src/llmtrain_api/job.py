"""LLMTrainingJob: the spec of one training job. A field that would have no effect does not exist."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.model import DecimalString, Fraction, Model, ObjectName, SubdomainName
from llmtrain_api.names import MAX_WORKERS
from llmtrain_api.pods import SecurityContext, ServiceAccount
from llmtrain_api.recovery import Recovery
from llmtrain_api.workers import Workers


class ModelSpec(Model):
    """The model to train: a preset, and overrides of its dimensions."""

    name: Literal["gpt"] = "gpt"
    """Architecture. gpt is a decoder of the Llama family: rotary embeddings, RMSNorm, SwiGLU, grouped-query attention."""
    preset: Literal["tiny", "small", "medium", "large"] = "tiny"
    """Model size. tiny trains in minutes on two CPU cores; small, medium and large are close to GPT-2's 124M, 355M and 774M parameters."""
    layers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Number of transformer blocks. Defaults to the preset's."""
    width: Annotated[int, Field(ge=8, le=65536)] | None = None
    """Width of the residual stream. Defaults to the preset's."""
    heads: Annotated[int, Field(ge=1, le=512)] | None = None
    """Query heads of each block. Defaults to the preset's."""
    kv_heads: Annotated[int, Field(ge=1, le=512)] | None = None
    """Key and value heads of each block, shared by groups of query heads. Defaults to the preset's."""
    context_length: Annotated[int, Field(ge=8, le=1048576)] | None = None
    """Maximum sequence length in tokens. Defaults to the preset's."""


class Task(Model):
    """The training objective."""

    name: Literal["pretrain"] = "pretrain"
    """pretrain is next-token prediction on plain text."""


ScriptArgument = Annotated[str, Field(max_length=1024)]


class Entrypoint(Model):
    """A program that the workers run instead of llmtrain's model. Set exactly one of `module` and `script`."""

    module: (
        Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")] | None
    ) = None
    """Python module in the trainer image, run as with `python -m`."""
    script: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Python file, relative to the root of the volume in `data.source`. An absolute path is a file in the image."""
    arguments: Annotated[list[ScriptArgument], Field(max_length=64)] = Field(default_factory=list)
    """Command-line arguments of the program."""
    mode: Literal["Elastic", "Torchrun"] = "Elastic"
    """How the program joins the training. Elastic: it calls llmtrain.train, which preserves the state across membership changes. Torchrun: it gets the environment variables of torchrun and is restarted at each membership change."""

    @property
    def name(self) -> str:
        """Return the module or script, for messages."""
        return self.module or self.script or ""


class Source(Model):
    """Location of the training text. Set exactly one of `path` and `bundled`. With an entrypoint, `path` is optional and passed to the program."""

    volume: ObjectName
    """Volume that holds the text and the tokenized datasets: a PersistentVolumeClaim in this namespace, or a storage pool of the LLMCluster."""
    path: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """File or directory, relative to the root of the volume. Names that end in .jsonl or .parquet hold a document in each line or row; any other file is one document of text in UTF-8, or in UTF-16 with a byte order mark. Those that end in .gz after that are decompressed."""
    bundled: Literal["python-stdlib"] | None = None
    """Text that is part of the trainer image. python-stdlib is the source code of Python's standard library."""


class Tokenizer(Model):
    """How text is split into tokens."""

    kind: Literal["bpe"] = "bpe"
    """Tokenizer algorithm. bpe is byte-level byte-pair encoding, trained on the job's text."""
    vocab_size: Annotated[int, Field(ge=257, le=1048576)] = 4096
    """Size of the vocabulary, including special tokens."""
    sample_bytes: Annotated[int, Field(ge=65536, le=17179869184)] = 33554432
    """Bytes of training text, spread evenly over all of it, that the tokenizer is trained on. The rest is not looked at where words hardly repeat, as in genomes, because memory grows with the number of different words."""


class Columns(Model):
    """Where records hold what the task uses."""

    text: Annotated[str, Field(min_length=1, max_length=256)] = "text"
    """Field of the JSON objects in JSONL files, or column of Parquet files, with the text of a document."""


class Data(Model):
    """The training data. Text is tokenized once; jobs with the same text and settings share the dataset."""

    source: Source
    """Location of the training text."""
    tokenizer: Tokenizer = Tokenizer()
    """How text is split into tokens."""
    columns: Columns = Columns()
    """Where records hold what the task uses."""
    held_out_percent: Annotated[int, Field(ge=1, le=50)] = 5
    """Percentage of the text, by size, that is held out from training, for evaluation. Whole documents are held out if about as much text can be chosen so; otherwise the end of the largest one is."""
    on_bad_text: Literal["Fail", "Replace", "Skip"] = "Replace"
    """What happens to text that is not valid. Fail fails the job with file and place of the first. Replace puts U+FFFD in the place of invalid bytes, and leaves out files and lines that are no text at all. Skip leaves out each document with invalid bytes as well. The log, report.json in the directory of the dataset, and the status count what is replaced or left out."""


class Optimizer(Model):
    """The optimizer and its hyperparameters."""

    name: Literal["adamw"] = "adamw"
    """Algorithm. adamw is Adam with decoupled weight decay."""
    learning_rate: DecimalString = "3e-4"
    """Peak learning rate, reached at the end of the warm-up. From 1e-10 to 1."""
    weight_decay: DecimalString = "0.1"
    """Weight decay of matrices. It does not apply to vectors, such as the gains of norms. From 0 to 100."""
    beta1: DecimalString = "0.9"
    """Decay rate of the first moment (mean of the gradients). At least 0 and below 1."""
    beta2: DecimalString = "0.95"
    """Decay rate of the second moment (mean of the squared gradients). At least 0 and below 1."""


class Training(Model):
    """Length of the training, batch size, optimizer and numerics."""

    steps: Annotated[int, Field(ge=1, le=100_000_000)]
    """Total number of optimizer steps."""
    microbatches: Annotated[int, Field(ge=1, le=MAX_WORKERS * 16)] = 8
    """Microbatches of one step. They are divided among the ranks, so the result of a step does not depend on the number of ranks."""
    microbatch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Sequences in one microbatch."""
    optimizer: Optimizer = Optimizer()
    """The optimizer and its hyperparameters."""
    warmup_steps: Annotated[int, Field(ge=0, le=100_000_000)] = 20
    """Steps over which the learning rate rises linearly from 0. Afterwards it decays along a cosine to a tenth of the peak. Less than `steps`; the default is shortened to half of the steps if there are not more."""
    clip_norm: DecimalString = "1.0"
    """Maximum norm of the gradient; larger gradients are scaled down to it. From 0.001 to 1e30, or 0 for no clipping."""
    on_bad_step: Literal["Skip", "Stop", "Rollback"] = "Skip"
    """What follows from a step whose loss or gradient norm is not finite; such a step is never applied. Skip continues with the next step. Stop fails the job. Rollback restores the newest checkpoint and continues from it with data that was not used yet."""
    bad_steps: Annotated[int, Field(ge=1, le=1000)] = 10
    """Consecutive steps of that kind after which the job fails with the reason Diverged. Its checkpoints are kept."""
    dropout: Fraction = "0"
    """Dropout probability of the residual stream during training, at least 0 and below 1."""
    reduction: Literal["Exact", "Fast"] = "Exact"
    """How gradients are summed. Exact adds them in a fixed order and gives identical weights with any number of workers. Fast uses a plain all-reduce, whose order can vary."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Data type of matrix multiplications. Weights and optimizer state are always float32."""
    seed: Annotated[int, Field(ge=0, le=2147483647)] = 0
    """Seed of weight initialization, data order and dropout."""


class Checkpoint(Model):
    """Where and how often checkpoints are written."""

    volume: ObjectName
    """Volume for checkpoints and the exported model: a PersistentVolumeClaim in this namespace, or a storage pool of the LLMCluster."""
    every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Steps between two checkpoints. One is always written after the last step."""
    keep_last: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many of the newest checkpoints to keep."""
    keep_best: Annotated[int, Field(ge=0, le=1000)] = 1
    """How many checkpoints with the lowest held-out loss to keep in addition. Only checkpoints of evaluated steps are compared."""


class Sample(Model):
    """Sample of text that the trained model generates."""

    prompt: Annotated[str, Field(min_length=1, max_length=1024)] = "def "
    """Text that the model continues."""
    tokens: Annotated[int, Field(ge=1, le=1024)] = 64
    """Number of tokens to generate."""


class Evaluation(Model):
    """Evaluation on held-out text."""

    every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Steps between two evaluations. The final model is always evaluated."""
    metrics: Annotated[list[Literal["perplexity"]], Field(min_length=1, max_length=1)] = ["perplexity"]  # noqa: RUF012 - pydantic copies it
    """Metrics to compute. perplexity is reported with that of a unigram model for comparison."""
    sample: Sample = Sample()
    """Sample of text that the trained model generates."""


class Scheduling(Model):
    """How pods are scheduled."""

    gang: Literal["Auto", "Off"] = "Auto"
    """Auto schedules all pods of the job together or none of them, if the Kubernetes cluster supports it; otherwise an event reports that it does not. Off schedules them one by one."""
    priority_class_name: Annotated[str, Field(max_length=253)] = ""
    """PriorityClass of the pods. Defaults to that of the Kubernetes cluster."""


class JobSpec(Model):
    """Desired state of the job."""

    cluster: ObjectName = "default"
    """LLMCluster whose nodes and storage the job uses. Immutable once the job has started."""
    image: Annotated[str, Field(max_length=512)] = ""
    """Trainer image. Defaults to the image that the operator was installed with. Immutable once the job has started."""
    workers: Workers = Workers()
    """The pods that train, all alike. `kubectl scale ltj/NAME --replicas=N` changes their number."""
    entrypoint: Entrypoint | None = None
    """A program that the workers run instead of llmtrain's model. Immutable once the job has started."""
    model: ModelSpec = ModelSpec()
    """The model to train. Immutable once the job has started."""
    task: Task = Task()
    """The training objective. Immutable once the job has started."""
    data: Data
    """The training data. Immutable once the job has started."""
    training: Training
    """Length of the training, batch size, optimizer and numerics. Immutable once the job has started."""
    checkpoint: Checkpoint
    """Where and how often checkpoints are written. Immutable once the job has started."""
    evaluation: Evaluation = Evaluation()
    """Evaluation on held-out text. Immutable once the job has started."""
    recovery: Recovery = Recovery()
    """How many failures are tolerated before the job fails, and when a rank counts as hung or a node as lost."""
    scheduling: Scheduling = Scheduling()
    """How pods are scheduled. Immutable once the job has started."""
    pull_secrets: Annotated[list[SubdomainName], Field(max_length=8)] = Field(default_factory=list)
    """Secrets in the namespace of the job with credentials for the registries of its images."""
    service_account: ServiceAccount = ServiceAccount()
    """ServiceAccount of the pods."""
    security_context: SecurityContext = SecurityContext()
    """User and groups of the containers. Immutable once the job has started."""
    pod_cleanup: Literal["Always", "Succeeded", "Never"] = "Always"
    """Whether pods that have ended are deleted when the job finishes: Always, only if it Succeeded, or Never. Pods that still run are always stopped, and all pods are deleted with the job."""
    suspend: bool = False
    """true writes a checkpoint, deletes the pods and keeps everything else; false resumes from the checkpoint."""
    active_deadline_seconds: Annotated[int, Field(ge=1, le=31536000)] | None = None
    """Seconds after `status.startTime` at which an unfinished job fails. The time during which it is suspended does not count. Unset means no deadline."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31536000)] | None = None
    """Seconds after `status.finishTime` at which the job object is deleted. Unset keeps it. Volumes are never deleted."""
