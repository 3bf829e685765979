"""Metrics of one job, told by its coordinator."""

from llmtrain_api.metrics.metric import JOB_LABELS, Metric, declared

JOB_STEP = Metric(name="llmtrain_job_step", kind="gauge", help="Optimizer steps done.")
JOB_STEPS = Metric(name="llmtrain_job_steps", kind="gauge", help="Optimizer steps in all.")
JOB_LOSS = Metric(name="llmtrain_job_loss_nats", kind="gauge", help="Training loss of the last step, in nats a token.")
JOB_HELD_OUT_LOSS = Metric(
    name="llmtrain_job_held_out_loss_nats",
    kind="gauge",
    help="Loss on held-out text at the last evaluation, in nats a token.",
)
JOB_LEARNING_RATE = Metric(name="llmtrain_job_learning_rate", kind="gauge", help="Learning rate of the last step.")
JOB_GRADIENT_NORM = Metric(
    name="llmtrain_job_gradient_norm", kind="gauge", help="Gradient norm of the last step, before clipping."
)
JOB_TOKENS = Metric(
    name="llmtrain_job_tokens", kind="gauge", help="Tokens trained on since step 0; falls when steps are done again."
)
JOB_TOKENS_PER_SECOND = Metric(
    name="llmtrain_job_tokens_per_second", kind="gauge", help="Training speed of all ranks together."
)
JOB_GENERATION = Metric(name="llmtrain_job_generation", kind="gauge", help="Number of the current membership.")
JOB_RANKS = Metric(name="llmtrain_job_ranks", kind="gauge", help="Ranks that have joined and live.")
JOB_RANKS_DESIRED = Metric(name="llmtrain_job_ranks_desired", kind="gauge", help="Ranks the job shall have.")
JOB_CHECKPOINT_STEP = Metric(name="llmtrain_job_checkpoint_step", kind="gauge", help="Step of the newest checkpoint.")
JOB_LOST_MEMBERS = Metric(
    name="llmtrain_job_lost_members_total", kind="counter", help="Members that died or were replaced."
)
JOB_RECOVERIES = Metric(
    name="llmtrain_job_recoveries_total",
    kind="counter",
    labels=(*JOB_LABELS, "method"),
    help="Losses that were recovered from, by what it took: another process, another pod, or the newest checkpoint.",
)
JOB_RECOVERY_SECONDS = Metric(
    name="llmtrain_job_recovery_seconds_total",
    kind="counter",
    labels=(*JOB_LABELS, "method", "phase"),
    help="Seconds spent on recoveries: to detect a loss, to agree on who goes on, to restore the state, to replay steps.",
)
JOB_REPLAYED_STEPS = Metric(
    name="llmtrain_job_replayed_steps_total", kind="counter", help="Steps that were done twice."
)
JOB_SECONDS = Metric(
    name="llmtrain_job_seconds_total",
    kind="counter",
    labels=(*JOB_LABELS, "category"),
    help="The job's life by what it went into; every second is of exactly one kind.",
)
JOB_GOODPUT = Metric(
    name="llmtrain_job_goodput_ratio",
    kind="gauge",
    help="Part of the job's life in which it trained and did nothing twice.",
)
JOB_MFU = Metric(
    name="llmtrain_job_mfu_ratio",
    kind="gauge",
    help="Part of what the chips could do at best that goes into the model; absent where a chip isn't known.",
)
JOB_RANK_COMPUTE = Metric(
    name="llmtrain_job_rank_compute_seconds",
    kind="gauge",
    labels=(*JOB_LABELS, "worker", "rank"),
    help="What the last step's microbatches took a rank before it met the others: the slowest holds all up.",
)
JOB_CHECKPOINT_TIME = Metric(
    name="llmtrain_job_checkpoint_time_seconds", kind="gauge", help="When the newest checkpoint was taken, since 1970."
)
JOB_CHECKPOINT_FAILING = Metric(
    name="llmtrain_job_checkpoint_failing", kind="gauge", help="1 if the newest checkpoint could not be written."
)
JOB_CHECKPOINT_SIZE = Metric(
    name="llmtrain_job_checkpoint_size_bytes", kind="gauge", help="Size of the newest checkpoint that was written."
)
JOB_CHECKPOINT_WRITE = Metric(
    name="llmtrain_job_checkpoint_write_seconds",
    kind="gauge",
    help="How long writing it took; the training goes on meanwhile.",
)
JOB_VOLUME_SIZE = Metric(
    name="llmtrain_job_checkpoint_volume_size_bytes", kind="gauge", help="Size of the volume of checkpoints."
)
JOB_VOLUME_FREE = Metric(
    name="llmtrain_job_checkpoint_volume_free_bytes", kind="gauge", help="Room on the volume of checkpoints."
)

METRICS = declared(dict(globals()))
