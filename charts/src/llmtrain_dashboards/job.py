"""One job: health, loss, speed, time, hardware, checkpoints and recoveries."""

from llmtrain_dashboards.dashboard import RATE, Dashboard, Row, Variable, lines_panel, link, series_panel, stat_panel

JOB = '{namespace=~"$namespace", training_job=~"$training_job"}'
GOODPUT, STEP_RATE = "training_job:llmtrain_job_seconds:goodput1h", "training_job:llmtrain_job_step:rate5m"
PASSED = f"clamp_min(deriv(llmtrain_job_seconds_total{JOB}{RATE}), 0)"
"""Seconds added to the time ledger per second; the ledger adds some late, once their category is known."""
TO_NODE = link("This node", "llmtrain-node", "node")


def now(expr: str) -> str:
    """Return a single value of a job, although its previous coordinator's series can exist for a while."""
    return f"max by (namespace, training_job) ({expr})"


HEALTH = Row(
    title="Health",
    panels=(
        stat_panel(
            "Alerts",
            "Firing alerts about this job.",
            "short",
            'count(ALERTS{alertstate="firing", namespace=~"$namespace", training_job=~"$training_job"}) or vector(0)',
            (1, "red"),
        ),
        stat_panel(
            "Progress",
            "Completed steps of all steps.",
            "percentunit",
            now(f"llmtrain_job_step{JOB} / llmtrain_job_steps{JOB}"),
            base="blue",
        ),
        stat_panel(
            "Time left",
            "Estimate for the remaining steps, at the speed of the last five minutes.",
            "s",
            now(f"llmtrain_job_steps{JOB} - llmtrain_job_step{JOB}") + f" / {STEP_RATE}{JOB}",
            base="blue",
        ),
        stat_panel(
            "Goodput",
            "Fraction of the last hour spent on training steps, replays excluded.",
            "percentunit",
            f"{GOODPUT}{JOB}",
            (0.8, "orange"),
            (0.9, "green"),
            base="red",
        ),
        stat_panel(
            "Ranks missing",
            "Desired ranks that are not live.",
            "short",
            now(f"llmtrain_job_ranks_desired{JOB} - llmtrain_job_ranks{JOB}"),
            (1, "orange"),
        ),
        stat_panel(
            "Checkpoint age",
            "Training time that would be replayed if all workers were lost now.",
            "s",
            f"time() - {now(f'llmtrain_job_checkpoint_time_seconds{JOB}')}",
            (3600, "orange"),
            (7200, "red"),
        ),
    ),
)
LOSS = Row(
    title="Loss and optimizer",
    panels=(
        lines_panel(
            "Loss",
            "Loss of the last step and on held-out data, in nats per token, or the task's loss per sample.",
            "short",
            training=f"llmtrain_job_loss_nats{JOB}",
            held_out=f"llmtrain_job_held_out_loss_nats{JOB}",
        ),
        lines_panel(
            "Gradient norm",
            "Norm of the last step's gradient, before clipping.",
            "short",
            norm=f"llmtrain_job_gradient_norm{JOB}",
        ),
        lines_panel(
            "Bad steps",
            "Steps that were not applied, because their loss or gradient norm is not finite; the newest, and its microbatch.",
            "short",
            count=f"llmtrain_job_bad_steps_total{JOB}",
            newest=f"llmtrain_job_bad_step{JOB}",
            microbatch=f"llmtrain_job_bad_microbatch{JOB}",
        ),
        lines_panel("Learning rate", "Learning rate of the last step.", "sci", rate=f"llmtrain_job_learning_rate{JOB}"),
        lines_panel("Tokens", "Tokens trained on since step 0.", "short", tokens=f"llmtrain_job_tokens{JOB}"),
    ),
)
SPEED = Row(
    title="Speed",
    panels=(
        lines_panel(
            "Tokens per second", "Throughput of all ranks.", "short", tokens=f"llmtrain_job_tokens_per_second{JOB}"
        ),
        lines_panel(
            "MFU",
            "Model FLOPs utilization: fraction of the GPUs' peak throughput that the model uses.",
            "percentunit",
            mfu=f"llmtrain_job_mfu_ratio{JOB}",
        ),
        series_panel(
            "Compute time by rank",
            "Time of the last step's microbatches on each rank. The slowest rank delays all others.",
            "s",
            f"llmtrain_job_rank_compute_seconds{JOB}",
            "worker {{worker}} rank {{rank}}",
        ),
        lines_panel(
            "Straggler ratio",
            "Compute time of the slowest rank relative to the median. The straggler alert fires above 1.5.",
            "short",
            ratio=f"training_job:llmtrain_job_rank_compute_seconds:max{JOB} / training_job:llmtrain_job_rank_compute_seconds:median{JOB}",
        ),
    ),
)
TIME = Row(
    title="Time",
    panels=(
        series_panel(
            "Time by category",
            "Fraction of each second spent in each category; the categories add up to 1.",
            "percentunit",
            f"sum by (category) ({PASSED}) / on () group_left () (sum({PASSED}) > 0)",
            "{{category}}",
            stack=True,
        ),
        lines_panel(
            "Goodput",
            "Fraction of time spent on training steps, replays excluded: over the job's lifetime, and over the last hour.",
            "percentunit",
            lifetime=f"llmtrain_job_goodput_ratio{JOB}",
            last_hour=f"{GOODPUT}{JOB}",
        ),
        lines_panel(
            "Ranks",
            "Live and desired ranks.",
            "short",
            live=f"llmtrain_job_ranks{JOB}",
            desired=f"llmtrain_job_ranks_desired{JOB}",
        ),
        lines_panel(
            "Steps",
            "Completed steps, and the step of the newest checkpoint.",
            "short",
            completed=f"llmtrain_job_step{JOB}",
            checkpointed=f"llmtrain_job_checkpoint_step{JOB}",
        ),
    ),
)
CHECKPOINTS = Row(
    title="Checkpoints",
    panels=(
        lines_panel(
            "Checkpoint failing",
            "1 while the newest checkpoint could not be written.",
            "short",
            failing=f"llmtrain_job_checkpoint_failing{JOB}",
        ),
        lines_panel(
            "Write time",
            "Time to write a checkpoint; training continues in the meantime.",
            "s",
            seconds=f"llmtrain_job_checkpoint_write_seconds{JOB}",
        ),
        lines_panel(
            "Volume space",
            "Size, free space, and size of a checkpoint. An alert fires when fewer than three checkpoints fit.",
            "bytes",
            size=f"llmtrain_job_checkpoint_volume_size_bytes{JOB}",
            free=f"llmtrain_job_checkpoint_volume_free_bytes{JOB}",
            checkpoint=f"llmtrain_job_checkpoint_size_bytes{JOB}",
        ),
    ),
)
HARDWARE = Row(
    title="Hardware",
    panels=(
        lines_panel(
            "GPU utilization",
            "Fraction of time in which a kernel ran, and in which tensor cores were active.",
            "percentunit",
            kernels=f"training_job:llmtrain_gpu_utilization_ratio:avg{JOB}",
            tensor_cores=f"training_job:llmtrain_gpu_tensor_active_ratio:avg{JOB}",
        ),
        lines_panel(
            "Memory",
            "Memory in use of the job's GPUs, and of its pods.",
            "bytes",
            GPUs=f"training_job:llmtrain_gpu_memory_used_bytes:sum{JOB}",
            pods=f"training_job:llmtrain_pod_memory_used_bytes:sum{JOB}",
        ),
        series_panel(
            "Memory by pod",
            "Memory in use of each pod, with its node.",
            "bytes",
            f"max by (namespace, training_job, pod, node) (llmtrain_pod_memory_used_bytes{JOB})",
            "{{pod}} on {{node}}",
            link=TO_NODE,
        ),
        series_panel(
            "Network",
            "Bytes per second of all pods.",
            "Bps",
            f"training_job:llmtrain_pod_network_bytes:rate5m{JOB}",
            "{{direction}}",
        ),
        lines_panel(
            "CPUs in use",
            "CPUs that the job's pods use.",
            "short",
            CPUs=f"training_job:llmtrain_pod_cpu_seconds:rate5m{JOB}",
        ),
        lines_panel(
            "Power", "Power that the job's GPUs draw.", "watt", power=f"training_job:llmtrain_gpu_power_watts:sum{JOB}"
        ),
    ),
)
RECOVERIES = Row(
    title="Recoveries",
    panels=(
        series_panel(
            "Recoveries",
            "Recoveries by method: another process, another pod, or the newest checkpoint.",
            "short",
            f"llmtrain_job_recoveries_total{JOB}",
            "{{method}}",
        ),
        series_panel(
            "Recovery time",
            "Time by phase: detect the failure, rendezvous, restore the state, replay steps.",
            "s",
            f"sum by (phase) (llmtrain_job_recovery_seconds_total{JOB})",
            "{{phase}}",
            stack=True,
        ),
        lines_panel(
            "Replays and lost members",
            "Steps that were replayed, and members that failed or were replaced.",
            "short",
            steps=f"llmtrain_job_replayed_steps_total{JOB}",
            members=f"llmtrain_job_lost_members_total{JOB}",
        ),
        lines_panel(
            "Generation",
            "Number of the membership; it increases with every change.",
            "short",
            generation=f"llmtrain_job_generation{JOB}",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="llmtrain-job",
    title="llmtrain / Job",
    description="One job: loss, speed, time, hardware, checkpoints and recoveries.",
    variables=(
        Variable(
            name="namespace",
            label="Namespace",
            multi=False,
            query="label_values(llmtrain_job_ranks_desired, namespace)",
        ),
        Variable(
            name="training_job",
            label="Job",
            multi=False,
            query='label_values(llmtrain_job_ranks_desired{namespace=~"$namespace"}, training_job)',
        ),
    ),
    rows=(HEALTH, LOSS, SPEED, TIME, HARDWARE, CHECKPOINTS, RECOVERIES),
)
