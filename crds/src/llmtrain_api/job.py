"""LLMTrainingJob: the spec of one training job. A field that would have no effect does not exist."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.augment import Augment
from llmtrain_api.data import Data
from llmtrain_api.model import DecimalString, Fraction, Model, ObjectName, SubdomainName
from llmtrain_api.names import MAX_WORKERS
from llmtrain_api.pods import SecurityContext, ServiceAccount
from llmtrain_api.recovery import Recovery
from llmtrain_api.workers import Workers


class ModelSource(Model):
    """A folder with a model in the layout of Hugging Face's libraries, or a job that publishes one. Set either `volume` and `path`, or `job`."""

    volume: ObjectName | None = None
    """Volume that holds the folder: a PersistentVolumeClaim in this namespace, or a storage pool of the LLMCluster. It is only read."""
    path: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Folder, relative to the root of the volume, with config.json, tokenizer.json and, unless `weights` is Fresh, model.safetensors or its shards with their index."""
    job: ObjectName | None = None
    """LLMTrainingJob in this namespace whose published model is taken. This job starts once that one has succeeded, and reads the volume that it published on."""


class VectorSource(Model):
    """A file with word vectors, or a job that publishes them. Set either `volume` and `path`, or `job`."""

    volume: ObjectName | None = None
    """Volume that holds the file: a PersistentVolumeClaim in this namespace, or a storage pool of the LLMCluster. It is only read."""
    path: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """File in word2vec's text or binary format or in GloVe's, or the folder that a job with task word-vectors published, relative to the root of the volume. Its vectors are as wide as the model."""
    job: ObjectName | None = None
    """LLMTrainingJob in this namespace with task word-vectors whose published vectors are taken. This job starts once that one has succeeded, and reads the volume that it published on."""


class ModelSpec(Model):
    """The model to train: a preset and overrides of its dimensions, or a folder."""

    name: Literal["gpt", "encoder", "bert", "lstm", "gru", "skipgram", "t5"] = "gpt"
    """Architecture. gpt is a decoder of the Llama family: rotary embeddings, RMSNorm, SwiGLU, grouped-query attention. encoder is a small Transformer that reads in both directions; lstm and gru are recurrent networks that do so; bert is that of `transformers`. These four are for tasks that learn from texts with labels, and bert for masked as well. skipgram has a vector for each word. t5 is the encoder-decoder of `transformers`, which reads a text and writes another one."""
    preset: Literal["tiny", "small", "medium", "large"] = "tiny"
    """Model size. tiny trains in minutes on two CPU cores; small, medium and large of gpt are close to GPT-2's 124M, 355M and 774M parameters."""
    layers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Number of transformer blocks or recurrent layers; of t5 those of the encoder and of the decoder each. Defaults to the preset's."""
    width: Annotated[int, Field(ge=8, le=65536)] | None = None
    """Width of the residual stream, of the embedding and of the states of a recurrent layer, or of word vectors. Defaults to the preset's."""
    heads: Annotated[int, Field(ge=1, le=512)] | None = None
    """Query heads of each block of gpt, encoder, bert and t5. Defaults to the preset's."""
    kv_heads: Annotated[int, Field(ge=1, le=512)] | None = None
    """Key and value heads of each block of gpt, shared by groups of query heads. Defaults to the preset's."""
    context_length: Annotated[int, Field(ge=8, le=1048576)] | None = None
    """Maximum sequence length of gpt in tokens. Defaults to the preset's."""
    source: Annotated[ModelSource | None, Field(alias="from")] = None
    """A model that exists, in place of `name` and sizes, for the tasks masked, translation and summarization, and those that learn from texts with labels: with its own tokenizer and its own dropout. The head follows from the task."""
    weights: Literal["Load", "Fresh"] = "Load"
    """Initial weights of a model in `from`. Load takes those of the folder, and draws those that the task adds. Fresh takes the shape of the network alone, and draws all."""
    vectors: VectorSource | None = None
    """Word vectors with which the embedding of an encoder, lstm or gru begins, if tokens are words. They are multiplied by one number, so that their size is that of initial ones, and trained like all weights. Words that the file does not have begin as without it."""

    @property
    def of_library(self) -> bool:
        """Whether the network is one of `transformers`, and not llmtrain's own."""
        return self.source is not None or self.name in ("bert", "t5")


class Task(Model):
    """The training objective."""

    name: Literal[
        "pretrain",
        "masked",
        "classification",
        "regression",
        "tagging",
        "question-answering",
        "translation",
        "summarization",
        "recommendation",
        "word-vectors",
    ] = "pretrain"
    """pretrain is next-token prediction on plain text, with model gpt. masked predicts tokens of plain text that are replaced by a mask, with model bert or one in `model.from`. recommendation predicts the next item of each user from those before, with model gpt, whose tokens are the items. word-vectors learns a vector for each word of plain text from the words around it, with model skipgram. translation and summarization learn to write a text from another one, with model t5 or an encoder-decoder in `model.from`. All others learn from texts with labels, with model encoder, bert, lstm or gru, or one in `model.from`: classification gives each text one of the labels of the training data, regression a number, tagging a tag to each word, question-answering a part of the text to each question."""
    window: Annotated[int, Field(ge=1, le=64)] = 5
    """How many words before and after a word are predicted at most, in the task word-vectors."""
    negatives: Annotated[int, Field(ge=1, le=64)] = 5
    """How often drawn words count against each word that is predicted, in the task word-vectors (negative sampling)."""


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


class Optimizer(Model):
    """The optimizer and its hyperparameters."""

    name: Literal["adamw", "sgd", "muon"] = "adamw"
    """Algorithm. adamw is Adam with decoupled weight decay. sgd is gradient descent with momentum, whose weight decay is added to the gradients. muon makes the momentum of each hidden matrix orthogonal, at sizes like those of adamw, and leaves embeddings, output layers and vectors to adamw."""
    learning_rate: DecimalString = "3e-4"
    """Peak learning rate, reached at the end of the warm-up. From 1e-10 to 1."""
    weight_decay: DecimalString = "0.1"
    """Weight decay of matrices. It does not apply to vectors, such as the gains of norms. From 0 to 100."""
    beta1: DecimalString = "0.9"
    """Decay rate of the first moment (mean of the gradients), which is the momentum of sgd and muon. At least 0 and below 1."""
    beta2: DecimalString = "0.95"
    """Decay rate of the second moment (mean of the squared gradients). At least 0 and below 1."""


MAX_STEPS = 100_000_000
"""Most steps of a job."""


class Training(Model):
    """Length of the training, batch size, optimizer and numerics."""

    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    """Total number of optimizer steps. Set exactly one of `steps` and `epochs`."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How often each sample of the training data is used, in place of `steps`. A sample is a record, or a window of text as long as the context of the model."""
    microbatches: Annotated[int, Field(ge=1, le=MAX_WORKERS * 16)] = 8
    """Microbatches of one step. They are divided among the ranks, so the result of a step does not depend on the number of ranks."""
    microbatch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Sequences in one microbatch."""
    optimizer: Optimizer = Optimizer()
    """The optimizer and its hyperparameters."""
    warmup_steps: Annotated[int, Field(ge=0, le=100_000_000)] = 20
    """Steps over which the learning rate rises linearly from 0. Afterwards it follows `schedule`. Less than `steps`; the default is shortened to half of the steps if there are not more."""
    schedule: Literal["cosine", "linear", "constant", "wsd"] = "cosine"
    """The learning rate after the warm-up. cosine falls along a cosine to a tenth of the peak, linear along a line to 0, and constant stays at the peak. wsd (warm-up, stable, decay) stays there until the last fifth of the steps after the warm-up, and falls to 0 in them."""
    clip_norm: DecimalString = "1.0"
    """Maximum norm of the gradient; larger gradients are scaled down to it. From 0.001 to 1e30, or 0 for no clipping."""
    on_bad_step: Literal["Skip", "Stop", "Rollback"] = "Skip"
    """What follows from a step whose loss or gradient norm is not finite; such a step is never applied. Skip continues with the next step. Stop fails the job. Rollback restores the newest checkpoint and continues from it with data that was not used yet."""
    bad_steps: Annotated[int, Field(ge=1, le=1000)] = 10
    """Consecutive steps of that kind after which the job fails with the reason Diverged. Its checkpoints are kept."""
    dropout: Fraction = "0"
    """Dropout probability of the residual stream during training, at least 0 and below 1."""
    label_smoothing: Fraction = "0"
    """Part of the target that is spread evenly over all classes in the task classification, or over all tokens in translation and summarization: at least 0 and below 1. Held-out losses are without it."""
    class_weights: Literal["Off", "Balanced"] = "Off"
    """How records of different classes count in the task classification. Balanced multiplies the loss of a record by the number of records to train on, divided by the number of classes and by the number of records of its class. Held-out losses are without it."""
    augment: Augment | None = None
    """Changes of the words of texts to train on. For each text and epoch one operation is drawn: words are left out, swapped, inserted or replaced by synonyms. Held-out texts are not changed. Unset changes none."""
    average: Fraction = "0"
    """Decay of an exponential moving average of the weights, such as "0.999": at least 0 and below 1. Held-out data are judged with the average, and it is published. Each step keeps at most (1 + t) / (10 + t) of the average, where t is the number of steps done. 0 keeps none, and judges and publishes the weights."""
    reduction: Literal["Exact", "Fast"] = "Exact"
    """How gradients are summed. Exact adds them in a fixed order and gives identical weights with any number of workers. Fast uses a plain all-reduce, whose order can vary."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Data type of matrix multiplications. Weights and optimizer state are always float32."""
    seed: Annotated[int, Field(ge=0, le=2147483647)] = 0
    """Seed of weight initialization, data order, dropout and changes of texts."""

    @property
    def total_steps(self) -> int:
        """Total number of optimizer steps. With `epochs`, the trainer sets `steps` once it knows the dataset."""
        if self.steps is None:
            raise ValueError("the number of steps is not known before the dataset is prepared")
        return self.steps

    @property
    def length_field(self) -> str:
        """Field of the job that says how long it trains."""
        return "spec.training.steps" if self.epochs is None else "spec.training.epochs"


class Checkpoint(Model):
    """Where and how often checkpoints are written."""

    volume: ObjectName
    """Volume for checkpoints and the exported model: a PersistentVolumeClaim in this namespace, or a storage pool of the LLMCluster."""
    every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Steps between two checkpoints. One is always written after the last step."""
    keep_last: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many of the newest checkpoints to keep."""
    keep_best: Annotated[int, Field(ge=0, le=1000)] = 1
    """How many checkpoints that are the best by `evaluation.best` to keep in addition. Only checkpoints of evaluated steps are compared."""


class Sample(Model):
    """Sample of text that the trained model generates."""

    prompt: Annotated[str, Field(min_length=1, max_length=1024)] = "def "
    """Text that the model continues."""
    tokens: Annotated[int, Field(ge=1, le=1024)] = 64
    """Number of tokens to generate."""


ColumnName = Annotated[str, Field(min_length=1, max_length=256)]


class Evaluation(Model):
    """Evaluation on held-out text."""

    every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    """Steps between two evaluations. The final model is always evaluated."""
    metrics: Annotated[list[Literal["perplexity"]], Field(min_length=1, max_length=1)] = ["perplexity"]  # noqa: RUF012 - pydantic copies it
    """Metrics of the task pretrain. perplexity is reported with that of a unigram model for comparison. Other tasks report all of their own."""
    best: Literal[
        "loss",
        "accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "mse",
        "mae",
        "r2",
        "spearman",
        "entityF1",
        "entityPrecision",
        "entityRecall",
        "exactMatch",
        "bleu",
        "chrf",
        "rouge1",
        "rouge2",
        "rougeL",
        "hitRate",
        "ndcg",
    ] = "loss"
    """Score by which `checkpoint.keepBest` and `stopAfter` compare evaluations: the held-out loss or one of the task's own. Of loss, mse and mae the lowest is the best, of all others the highest. Scores are accuracy of masked, accuracy, precision, recall, f1 and, with two classes, auc of classification, mse, mae, r2 and spearman of regression, accuracy, entityF1, entityPrecision and entityRecall of tagging, exactMatch and f1 of question-answering, bleu and chrf of translation, rouge1, rouge2 and rougeL of summarization, hitRate and ndcg of recommendation."""
    stop_after: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Consecutive evaluations without a better one than before after which the training ends. The checkpoint of the best one is published then, also if the training ends at its last step. Unset trains all steps and publishes the last checkpoint."""
    slices: Annotated[list[ColumnName], Field(max_length=8)] = []  # noqa: RUF012 - pydantic copies it
    """Columns by whose values the published model is judged in addition, such as a genre or a gender, in tasks that learn from records: each score with its interval for the held-out records with each of the 20 most frequent values, and for all others together. Every file has these columns; they are kept with the dataset."""
    explain: Annotated[int, Field(ge=0, le=200)] = 0
    """How many held-out records, spread evenly, are explained in evaluation.json of the published model, in the tasks classification and regression: how much each word counts for the answer, by integrated gradients and by occlusion."""
    sample: Sample = Sample()
    """Sample of text that the trained model generates, in the task pretrain."""


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
