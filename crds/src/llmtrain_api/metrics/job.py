"""Metrics of one job, exported by its coordinator."""

from llmtrain_api.metrics.metric import JOB_LABELS, counter, gauge

JOB_STEP = gauge("llmtrain_job_step", "Optimizer steps done.")
JOB_STEPS = gauge("llmtrain_job_steps", "Total number of optimizer steps.")
JOB_LOSS = gauge(
    "llmtrain_job_loss_nats", "Training loss of the last step, in nats per token, or the task's loss per sample."
)
JOB_HELD_OUT_LOSS = gauge(
    "llmtrain_job_held_out_loss_nats",
    "Held-out loss at the last evaluation, in nats per token, or the task's loss per sample.",
)
JOB_LEARNING_RATE = gauge("llmtrain_job_learning_rate", "Learning rate of the last step.")
JOB_GRADIENT_NORM = gauge("llmtrain_job_gradient_norm", "Gradient norm of the last step, before clipping.")
JOB_BAD_STEPS = counter(
    "llmtrain_job_bad_steps_total", "Steps that were not applied, because their loss or gradient norm is not finite."
)
JOB_BAD_STEP = gauge("llmtrain_job_bad_step", "The newest of these steps.")
JOB_BAD_MICROBATCH = gauge(
    "llmtrain_job_bad_microbatch", "Its first microbatch, counted from 0, whose loss or gradients are not finite."
)
JOB_TOKENS = gauge("llmtrain_job_tokens", "Tokens trained on since step 0. Decreases when steps are replayed.")
JOB_TOKENS_PER_SECOND = gauge("llmtrain_job_tokens_per_second", "Training throughput of all ranks.")
JOB_GENERATION = gauge("llmtrain_job_generation", "Number of the current generation (membership).")
JOB_RANKS = gauge("llmtrain_job_ranks", "Live ranks that have joined.")
JOB_RANKS_DESIRED = gauge("llmtrain_job_ranks_desired", "Desired number of ranks.")
JOB_CHECKPOINT_STEP = gauge("llmtrain_job_checkpoint_step", "Step of the newest checkpoint.")
JOB_LOST_MEMBERS = counter("llmtrain_job_lost_members_total", "Members that failed or were replaced.")
JOB_RECOVERIES = counter(
    "llmtrain_job_recoveries_total",
    "Recoveries by method: a new process, a new pod, or the newest checkpoint.",
    labels=(*JOB_LABELS, "method"),
)
JOB_RECOVERY_SECONDS = counter(
    "llmtrain_job_recovery_seconds_total",
    "Seconds of recoveries by phase: detect the loss, rendezvous, restore the state, replay steps.",
    labels=(*JOB_LABELS, "method", "phase"),
)
JOB_REPLAYED_STEPS = counter("llmtrain_job_replayed_steps_total", "Steps that were repeated after recoveries.")
JOB_SECONDS = counter(
    "llmtrain_job_seconds_total",
    "Lifetime of the job by category; every second belongs to exactly one.",
    labels=(*JOB_LABELS, "category"),
)
JOB_GOODPUT = gauge(
    "llmtrain_job_goodput_ratio", "Fraction of the job's lifetime spent on training steps, replays excluded."
)
JOB_MFU = gauge(
    "llmtrain_job_mfu_ratio",
    "Model FLOPs utilization; absent if the peak of a device is unknown.",
)
JOB_RANK_COMPUTE = gauge(
    "llmtrain_job_rank_compute_seconds",
    "Time a rank spent on the microbatches of the last step, before the all-reduce. All ranks wait for the slowest.",
    labels=(*JOB_LABELS, "worker", "rank"),
)
JOB_CHECKPOINT_TIME = gauge(
    "llmtrain_job_checkpoint_time_seconds", "Time of the newest checkpoint, in seconds since 1970."
)
JOB_CHECKPOINT_FAILING = gauge(
    "llmtrain_job_checkpoint_failing", "1 if the newest checkpoint could not be written, else 0."
)
JOB_CHECKPOINT_SIZE = gauge("llmtrain_job_checkpoint_size_bytes", "Size of the newest checkpoint.")
JOB_CHECKPOINT_WRITE = gauge(
    "llmtrain_job_checkpoint_write_seconds", "Duration of the last checkpoint write. Training continues during it."
)
JOB_VOLUME_SIZE = gauge("llmtrain_job_checkpoint_volume_size_bytes", "Size of the checkpoint volume.")
JOB_VOLUME_FREE = gauge("llmtrain_job_checkpoint_volume_free_bytes", "Free space on the checkpoint volume.")

METRICS = (
    JOB_STEP,
    JOB_STEPS,
    JOB_LOSS,
    JOB_HELD_OUT_LOSS,
    JOB_LEARNING_RATE,
    JOB_GRADIENT_NORM,
    JOB_BAD_STEPS,
    JOB_BAD_STEP,
    JOB_BAD_MICROBATCH,
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
