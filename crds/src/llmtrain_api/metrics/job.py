"""Metrics of one job, told by its coordinator."""

from llmtrain_api.metrics.metric import JOB_LABELS, counter, gauge

JOB_STEP = gauge("llmtrain_job_step", "Optimizer steps done.")
JOB_STEPS = gauge("llmtrain_job_steps", "Optimizer steps in all.")
JOB_LOSS = gauge("llmtrain_job_loss_nats", "Training loss of the last step, in nats a token.")
JOB_HELD_OUT_LOSS = gauge(
    "llmtrain_job_held_out_loss_nats", "Loss on held-out text at the last evaluation, in nats a token."
)
JOB_LEARNING_RATE = gauge("llmtrain_job_learning_rate", "Learning rate of the last step.")
JOB_GRADIENT_NORM = gauge("llmtrain_job_gradient_norm", "Gradient norm of the last step, before clipping.")
JOB_TOKENS = gauge("llmtrain_job_tokens", "Tokens trained on since step 0; falls when steps are done again.")
JOB_TOKENS_PER_SECOND = gauge("llmtrain_job_tokens_per_second", "Training speed of all ranks together.")
JOB_GENERATION = gauge("llmtrain_job_generation", "Number of the current membership.")
JOB_RANKS = gauge("llmtrain_job_ranks", "Ranks that have joined and live.")
JOB_RANKS_DESIRED = gauge("llmtrain_job_ranks_desired", "Ranks the job shall have.")
JOB_CHECKPOINT_STEP = gauge("llmtrain_job_checkpoint_step", "Step of the newest checkpoint.")
JOB_LOST_MEMBERS = counter("llmtrain_job_lost_members_total", "Members that died or were replaced.")
JOB_RECOVERIES = counter(
    "llmtrain_job_recoveries_total",
    "Losses that were recovered from, by what it took: another process, another pod, or the newest checkpoint.",
    labels=(*JOB_LABELS, "method"),
)
JOB_RECOVERY_SECONDS = counter(
    "llmtrain_job_recovery_seconds_total",
    "Seconds spent on recoveries: to detect a loss, to agree on who goes on, to restore the state, to replay steps.",
    labels=(*JOB_LABELS, "method", "phase"),
)
JOB_REPLAYED_STEPS = counter("llmtrain_job_replayed_steps_total", "Steps that were done twice.")
JOB_SECONDS = counter(
    "llmtrain_job_seconds_total",
    "The job's life by what it went into; every second is of exactly one kind.",
    labels=(*JOB_LABELS, "category"),
)
JOB_GOODPUT = gauge("llmtrain_job_goodput_ratio", "Part of the job's life in which it trained and did nothing twice.")
JOB_MFU = gauge(
    "llmtrain_job_mfu_ratio",
    "Part of what the chips could do at best that goes into the model; absent where a chip isn't known.",
)
JOB_RANK_COMPUTE = gauge(
    "llmtrain_job_rank_compute_seconds",
    "What the last step's microbatches took a rank before it met the others: the slowest holds all up.",
    labels=(*JOB_LABELS, "worker", "rank"),
)
JOB_CHECKPOINT_TIME = gauge("llmtrain_job_checkpoint_time_seconds", "When the newest checkpoint was taken, since 1970.")
JOB_CHECKPOINT_FAILING = gauge("llmtrain_job_checkpoint_failing", "1 if the newest checkpoint could not be written.")
JOB_CHECKPOINT_SIZE = gauge("llmtrain_job_checkpoint_size_bytes", "Size of the newest checkpoint that was written.")
JOB_CHECKPOINT_WRITE = gauge(
    "llmtrain_job_checkpoint_write_seconds", "How long writing it took; the training goes on meanwhile."
)
JOB_VOLUME_SIZE = gauge("llmtrain_job_checkpoint_volume_size_bytes", "Size of the volume of checkpoints.")
JOB_VOLUME_FREE = gauge("llmtrain_job_checkpoint_volume_free_bytes", "Room on the volume of checkpoints.")

METRICS = (
    JOB_STEP,
    JOB_STEPS,
    JOB_LOSS,
    JOB_HELD_OUT_LOSS,
    JOB_LEARNING_RATE,
    JOB_GRADIENT_NORM,
    JOB_TOKENS,
    JOB_TOKENS_PER_SECOND,
    JOB_GENERATION,
    JOB_RANKS,
    JOB_RANKS_DESIRED,
    JOB_CHECKPOINT_STEP,
    JOB_LOST_MEMBERS,
    JOB_RECOVERIES,
    JOB_RECOVERY_SECONDS,
    JOB_REPLAYED_STEPS,
    JOB_SECONDS,
    JOB_GOODPUT,
    JOB_MFU,
    JOB_RANK_COMPUTE,
    JOB_CHECKPOINT_TIME,
    JOB_CHECKPOINT_FAILING,
    JOB_CHECKPOINT_SIZE,
    JOB_CHECKPOINT_WRITE,
    JOB_VOLUME_SIZE,
    JOB_VOLUME_FREE,
)
