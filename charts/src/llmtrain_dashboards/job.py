"""One training, for the person who trains."""

from llmtrain_dashboards.dashboard import RATE, Dashboard, Row, Variable, lines, link, series_panel, stat_panel

JOB = '{namespace=~"$namespace", training_job=~"$training_job"}'
GOODPUT, STEP_RATE = "training_job:llmtrain_job_seconds:goodput1h", "training_job:llmtrain_job_step:rate5m"
PASSED = f"clamp_min(deriv(llmtrain_job_seconds_total{JOB}{RATE}), 0)"
"""Seconds that were accounted for in a second: some are only when it is known what they were."""
TO_NODE = link("This node", "llmtrain-node", "node")


def now(expr: str) -> str:
    """Return a job's one value, though for a while its last coordinator's may be there too."""
    return f"max by (namespace, training_job) ({expr})"


FINE = Row(
    title="Is it fine?",
    panels=(
        stat_panel(
            "Alerts",
            "Alerts about this job that fire.",
            "short",
            'count(ALERTS{alertstate="firing", namespace=~"$namespace", training_job=~"$training_job"}) or vector(0)',
            (1, "red"),
        ),
        stat_panel(
            "Progress",
            "Steps done of all steps.",
            "percentunit",
            now(f"llmtrain_job_step{JOB} / llmtrain_job_steps{JOB}"),
            base="blue",
        ),
        stat_panel(
            "Time left",
            "Steps that are left, at the speed of the last five minutes.",
            "s",
            now(f"llmtrain_job_steps{JOB} - llmtrain_job_step{JOB}") + f" / {STEP_RATE}{JOB}",
            base="blue",
        ),
        stat_panel(
            "Goodput",
            "Part of the last hour in which the job trained and did nothing twice.",
            "percentunit",
            f"{GOODPUT}{JOB}",
            (0.8, "orange"),
            (0.9, "green"),
            base="red",
        ),
        stat_panel(
            "Ranks missing",
            "Ranks the job wants and doesn't have.",
            "short",
            now(f"llmtrain_job_ranks_desired{JOB} - llmtrain_job_ranks{JOB}"),
            (1, "orange"),
        ),
        stat_panel(
            "Checkpoint age",
            "What would be done again if all workers were lost now.",
            "s",
            f"time() - {now(f'llmtrain_job_checkpoint_time_seconds{JOB}')}",
            (3600, "orange"),
            (7200, "red"),
        ),
    ),
)
LEARNING = Row(
    title="Learning",
    panels=(
        lines(
            "Loss",
            "Nats a token: of the last step, and on held-out text.",
            "short",
            training=f"llmtrain_job_loss_nats{JOB}",
            held_out=f"llmtrain_job_held_out_loss_nats{JOB}",
        ),
        lines("Gradient norm", "Before clipping.", "short", norm=f"llmtrain_job_gradient_norm{JOB}"),
        lines("Learning rate", "Of the last step.", "sci", rate=f"llmtrain_job_learning_rate{JOB}"),
        lines("Tokens", "Trained on since step 0.", "short", tokens=f"llmtrain_job_tokens{JOB}"),
    ),
)
SPEED = Row(
    title="Speed",
    panels=(
        lines("Tokens a second", "Of all ranks together.", "short", tokens=f"llmtrain_job_tokens_per_second{JOB}"),
        lines(
            "MFU",
            "Part of what the chips could do at best that goes into the model.",
            "percentunit",
            mfu=f"llmtrain_job_mfu_ratio{JOB}",
        ),
        series_panel(
            "Work of each rank",
            "What the last step's microbatches took a rank: the slowest holds all up.",
            "s",
            f"llmtrain_job_rank_compute_seconds{JOB}",
            "worker {{worker}} rank {{rank}}",
        ),
        lines(
            "Slowest rank over the middle one",
            "1 is best; the alert for stragglers fires above 1.5.",
            "short",
            ratio=f"training_job:llmtrain_job_rank_compute_seconds:max{JOB} / training_job:llmtrain_job_rank_compute_seconds:median{JOB}",
        ),
    ),
)
TIME = Row(
    title="Where the time goes",
    panels=(
        series_panel(
            "Every second by kind",
            "Of each second the part that went into each kind; all kinds together are 1.",
            "percentunit",
            f"sum by (category) ({PASSED}) / on () group_left () (sum({PASSED}) > 0)",
            "{{category}}",
            stack=True,
        ),
        lines(
            "Goodput of its life",
            "Part in which it trained and did nothing twice: of all its life, and of each last hour.",
            "percentunit",
            life=f"llmtrain_job_goodput_ratio{JOB}",
            hour=f"{GOODPUT}{JOB}",
        ),
        lines(
            "Ranks",
            "Those that live, and those that are wanted.",
            "short",
            live=f"llmtrain_job_ranks{JOB}",
            wanted=f"llmtrain_job_ranks_desired{JOB}",
        ),
        lines(
            "Steps",
            "Done, and safe in a checkpoint.",
            "short",
            done=f"llmtrain_job_step{JOB}",
            safe=f"llmtrain_job_checkpoint_step{JOB}",
        ),
    ),
)
CHECKPOINTS = Row(
    title="Checkpoints",
    panels=(
        lines(
            "Checkpoints fail",
            "1 while the newest one could not be written.",
            "short",
            failing=f"llmtrain_job_checkpoint_failing{JOB}",
        ),
        lines(
            "Time to write",
            "The training goes on meanwhile.",
            "s",
            seconds=f"llmtrain_job_checkpoint_write_seconds{JOB}",
        ),
        lines(
            "Room on the volume",
            "Of all, what is left, and what a checkpoint takes; the alert fires at three.",
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
        lines(
            "GPUs busy",
            "Part of the time in which any kernel ran, and in which tensor cores did.",
            "percentunit",
            kernels=f"training_job:llmtrain_gpu_utilization_ratio:avg{JOB}",
            tensor_cores=f"training_job:llmtrain_gpu_tensor_active_ratio:avg{JOB}",
        ),
        lines(
            "Memory of the job",
            "Of its GPUs, and of its pods.",
            "bytes",
            GPUs=f"training_job:llmtrain_gpu_memory_used_bytes:sum{JOB}",
            pods=f"training_job:llmtrain_pod_memory_used_bytes:sum{JOB}",
        ),
        series_panel(
            "Memory by pod",
            "Of each pod, with the node it is on.",
            "bytes",
            f"max by (namespace, training_job, pod, node) (llmtrain_pod_memory_used_bytes{JOB})",
            "{{pod}} on {{node}}",
            link=TO_NODE,
        ),
        series_panel(
            "Network of the job",
            "Bytes a second.",
            "Bps",
            f"training_job:llmtrain_pod_network_bytes:rate5m{JOB}",
            "{{direction}}",
        ),
        lines(
            "CPUs busy",
            "CPUs that the job's pods keep busy.",
            "short",
            CPUs=f"training_job:llmtrain_pod_cpu_seconds:rate5m{JOB}",
        ),
        lines(
            "Power of the job", "What its GPUs draw.", "watt", power=f"training_job:llmtrain_gpu_power_watts:sum{JOB}"
        ),
    ),
)
LOSSES = Row(
    title="What was lost",
    panels=(
        series_panel(
            "Recoveries",
            "By what each took: another process, another pod, or the newest checkpoint.",
            "short",
            f"llmtrain_job_recoveries_total{JOB}",
            "{{method}}",
        ),
        series_panel(
            "Seconds of recoveries",
            "To detect a loss, to agree who goes on, to restore the state, to replay.",
            "s",
            f"sum by (phase) (llmtrain_job_recovery_seconds_total{JOB})",
            "{{phase}}",
            stack=True,
        ),
        lines(
            "Lost",
            "Steps that were done twice, and members that died or were replaced.",
            "short",
            steps=f"llmtrain_job_replayed_steps_total{JOB}",
            members=f"llmtrain_job_lost_members_total{JOB}",
        ),
        lines(
            "Generation",
            "It grows with every change of membership.",
            "short",
            generation=f"llmtrain_job_generation{JOB}",
        ),
    ),
)

BOARD = Dashboard(
    uid="llmtrain-job",
    title="llmtrain / Job",
    description="One training: how it learns, how fast, and what the time went into.",
    variables=(
        Variable(
            name="namespace", label="Namespace", many=False, query="label_values(llmtrain_job_ranks_desired, namespace)"
        ),
        Variable(
            name="training_job",
            label="Job",
            many=False,
            query='label_values(llmtrain_job_ranks_desired{namespace=~"$namespace"}, training_job)',
        ),
    ),
    rows=(FINE, LEARNING, SPEED, TIME, HARDWARE, CHECKPOINTS, LOSSES),
)
