"""The log events of every program: what the `event` field of a log line can be.

Names are camelCase: what happened, as noun and past participle. The docstring below an event explains when it is written; the
names in backquotes are its fields in addition to `time`, `level` and `event`. docs/reference/log-events.md is generated
from this module.
"""

from enum import StrEnum


class CoordinatorEvent(StrEnum):
    """Events of a job's coordinator. Every line has the fields `job` and `namespace`."""

    COORDINATOR_STARTED = "coordinatorStarted"
    """The coordinator listens on `port`."""
    COORDINATOR_STOPPED = "coordinatorStopped"
    """The coordinator exits after a signal."""
    MEMBER_JOINED = "memberJoined"
    """A rank (`worker`, `localRank`, `node`) asks to join the next generation. It holds the state after `step`; `desired`
    is the desired number of ranks."""
    MEMBER_LEFT = "memberLeft"
    """A rank (`worker`, `localRank`, `node`, `incarnation`) leaves for `reason`: Finished, Stopped or Failed."""
    MEMBER_EXPIRED = "memberExpired"
    """A rank (`worker`, `localRank`, `node`, `incarnation`) sent no heartbeat for the length of a lease."""
    MEMBER_DISCONNECTED = "memberDisconnected"
    """A rank (`worker`, `localRank`, `node`, `incarnation`) closed its connection without leaving."""
    MEMBER_REPLACED = "memberReplaced"
    """A new process takes the place (`worker`, `localRank`, `node`) of the process `incarnation`."""
    WORKERS_SCALED = "workersScaled"
    """The operator changed the desired number of workers to `workers` (`ranks` ranks)."""
    GENERATION_STARTED = "generationStarted"
    """All members of `generation` are known; it has `ranks` members."""
    GENERATION_ENDED = "generationEnded"
    """`generation` ended for `reason`; its members join the next one."""
    GENERATION_ADOPTED = "generationAdopted"
    """A new coordinator learns from a heartbeat that `generation` is running, and takes it over."""
    EXPORT_FAILED = "exportFailed"
    """Metrics could not be sent to the OTLP endpoint; `message` is the reason. Training continues."""


class AgentEvent(StrEnum):
    """Events of the node agent."""

    AGENT_STARTED = "agentStarted"
    """The agent listens on `port` of `node`; `gpus` is auto, or off if another exporter reads the GPUs."""
    GPUS_NOT_FOUND = "gpusNotFound"
    """NVML is not available on the node; `reason` is its answer."""
    GPU_LOST = "gpuLost"
    """The GPU with index `gpu` does not answer any more."""
    GPU_RECOVERED = "gpuRecovered"
    """The GPU with index `gpu` answers again."""
    NVML_SHUTDOWN_FAILED = "nvmlShutdownFailed"
    """NVML could not be closed before it is opened again; `reason` is its answer."""
    SOURCE_FAILED = "sourceFailed"
    """A `source` of metrics could not be read for `reason`. Written once for each reason; the others are still read."""


class TrainerEvent(StrEnum):
    """Events of trainer processes. Lines of a worker have the fields `worker` and `node`, those of a rank `localRank`."""

    TEXT_READ = "textRead"
    """The prepare stage has read `files` files with `documents` documents and `bytes` bytes of text for the dataset
    `dataset`. `duplicates` further documents are left out that have the text of another one and `nearDuplicates`
    that nearly have it, `replacedBytes` invalid bytes are replaced, and `leftOut` files, lines and rows are left out.
    `masked` counts personal data by kind (email, iban, card, ip, phone, or the name of a pattern), if any were masked."""
    BAD_TEXT_FOUND = "badTextFound"
    """Text is not valid: `message` has its file, place and reason. `action` is replaced (`bytes` invalid bytes) or leftOut.
    Written for the first hundred; `report.json` in the directory of the dataset has a thousand."""
    CLASS_MISSING = "classMissing"
    """No record of the part `part` (training or heldOut) has the label `label`, so its scores say nothing."""
    DATASET_REPLACED = "datasetReplaced"
    """The dataset `dataset` is on the volume but not complete, for the reason in `message`; it is prepared again."""
    PREPARE_PROGRESSED = "prepareProgressed"
    """Progress of the prepare stage, every few seconds: `bytes` of `of` bytes of the phase `phase` (reading,
    trainingTokenizer, tokenizing or writing) are done after `seconds`."""
    TOKENIZER_TRAINED = "tokenizerTrained"
    """The tokenizer has `vocabSize` tokens; training it on `bytes` bytes of text took `seconds`."""
    PREPARED = "prepared"
    """The dataset `id` is complete. Further fields: `tokens`, `heldOutTokens`, `vocabSize`, `unigramLoss`, `files`,
    `documents`, `duplicates`, `replacedBytes`, `leftOut`, `badRecords`, `firstFinding`, and for records `samples`,
    `heldOutSamples`, `classes`, `shortened`. With `spec.data.mixture`, `sources` has the training tokens of each source by its
    name. With `spec.model.vectors`, `vectors` has the fractions `words` of the known words
    and `tokens` of all words of the training records that have a vector. With `spec.training.augment.synonyms`, `synonyms` has the
    number of `words` with synonyms, and of those that were `found` in the training records."""
    COORDINATOR_UNREACHABLE = "coordinatorUnreachable"
    """The coordinator does not answer, for the reason in `message`; the rank tries again."""
    RENDEZVOUS_PENDING = "rendezvousPending"
    """The next generation does not start yet: `joined` of `desired` ranks have joined."""
    GENERATION_JOINED = "generationJoined"
    """This process is rank `rank` of `ranks` in `generation`."""
    GENERATION_ENDED = "generationEnded"
    """`generation` ended at `step` for the reason in `message`; the rank joins the next one."""
    INITIALIZED = "initialized"
    """Training starts from initial weights; the model has `parameters` parameters."""
    RESTORED = "restored"
    """Training resumes from the checkpoint in the directory `checkpoint`, after `step` steps."""
    CHECKPOINT_REJECTED = "checkpointRejected"
    """The checkpoint in the directory `checkpoint` is damaged, for the reason in `message`; the one before it is tried."""
    CHECKPOINT_UNREADABLE = "checkpointUnreadable"
    """The checkpoint volume answers with the error in `message`, for `seconds` so far; it is tried again."""
    CHECKPOINTS_NOT_PRUNED = "checkpointsNotPruned"
    """The checkpoint of `step` is saved, but old ones could not be removed for the reason in `message`; the next one tries."""
    STATE_SYNCED = "stateSynced"
    """The state after `step` was sent by rank `source` to the ranks in `behind`."""
    FIRST_STEP = "firstStep"
    """The first step of a generation is done: `step`, by `ranks` ranks."""
    STEP = "step"
    """Progress: `step` of `steps`, with `loss` (nats per token, or the task's loss per sample), `learningRate`, `gradientNorm`, `tokensPerSecond`."""
    BAD_STEP = "badStep"
    """The loss or the gradient norm of `step` is not finite, and the step was not applied: `loss`, `gradientNorm`, the
    first such `microbatch`, and `consecutive` bad steps so far."""
    ROLLED_BACK = "rolledBack"
    """After the bad step `step`, the state after `restoredStep` was restored; the data used since then is passed over."""
    EVALUATED = "evaluated"
    """The state after `step` has the held-out loss `heldOutLoss`, and the `scores` of its task if it has some; the
    evaluation took `seconds`."""
    SNAPSHOT_TAKEN = "snapshotTaken"
    """The state after `step` was copied for a checkpoint, which held training up for `seconds`."""
    CHECKPOINT_SAVED = "checkpointSaved"
    """The checkpoint of `step` is complete in `path`; writing it took `seconds`."""
    CHECKPOINT_FAILED = "checkpointFailed"
    """The checkpoint of `step` could not be written, for the reason in `message`. Training continues."""
    SCALARS_FAILED = "scalarsFailed"
    """TensorBoard scalars could not be written to `folder`, for the reason in `message`. Training continues."""
    RANK_FROZEN = "rankFrozen"
    """The rank `localRank` was stopped by a signal for `seconds`; its supervisor kills it."""
    RANK_HUNG = "rankHung"
    """The rank `localRank` made no progress for `seconds`; its supervisor kills it after its stack is dumped."""
    PROGRAM_SILENT = "programSilent"
    """The program with RANK 0 wrote no line for `seconds`; it is killed after the stacks of its threads are dumped."""
    RANK_FAILED = "rankFailed"
    """The rank `localRank` exited with `exitCode`, which is negative for a signal."""
    PUBLISHED = "published"
    """The model of `step` is exported to `path`. `message` has its main score beside that of a trivial method, and the worst
    slice by each column of `spec.evaluation.slices`. Further fields: `loss`, `perplexity`, `unigramPerplexity`,
    `parameters`, `sha256`, `sample`, `seconds`."""
    STOPPED = "stopped"
    """The process exits on request, for the reason in `message`; the job can resume."""
    FAILED = "failed"
    """The process exits with an error. `message` is the error; a `traceback` marks an unexpected error, and
    `exitCode` is that of the user's program; `beforeFirstStep` is true if it had not completed a step."""


class OperatorEvent(StrEnum):
    """Events of the operator. Every line has the field `logger`; lines of libraries have their message as event."""

    LEADER_ELECTED = "leaderElected"
    """This replica leads as `identity`; `gangScheduling` is whether the cluster can schedule gangs."""
    LEASE_LOST = "leaseLost"
    """Another replica holds the lease; this one exits."""
    LEASE_FAILED = "leaseFailed"
    """The lease could not be created, renewed or released; `message` is the API server's answer."""
    OPERATOR_STOPPED = "operatorStopped"
    """The operator exits because its task `task` ended."""
    LIST_FAILED = "listFailed"
    """Objects of `kind` could not be listed; `message` is the API server's answer. The operator tries again."""
    WATCH_FAILED = "watchFailed"
    """The watch of objects of `kind` failed; `message` is the API server's answer. The operator tries again."""
    OBJECT_UNREADABLE = "objectUnreadable"
    """The object (`kind`, `namespace`, `name`) cannot be read, for the reason in `message`; the operator keeps the version
    before. It is logged once for each version."""
    RECONCILE_FAILED = "reconcileFailed"
    """The object (`kind`, `namespace`, `name`) could not be reconciled; `message` is the reason. The operator tries again."""
    OBJECT_NOT_RECONCILED = "objectNotReconciled"
    """The object (`kind`, `namespace`, `name`) cannot be read for the reason in `message`; it is not reconciled. Written
    once for each reason; a condition of the object reports it too."""
    REQUEST_REJECTED = "requestRejected"
    """The API server rejects a request for the object (`kind`, `namespace`, `name`); `message` is its answer."""
    EVENT_FAILED = "eventFailed"
    """The Kubernetes event with `reason` could not be created; `message` is the API server's answer."""
    COORDINATOR_UNREACHABLE = "coordinatorUnreachable"
    """The coordinator of the job (`namespace`, `name`) does not answer, for the reason in `message`. Level `debug`: this is
    normal while the coordinator starts."""
