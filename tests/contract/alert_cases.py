"""For each recording rule and alert a history in which it speaks, and one in which it is silent.

Series are written in promtool's notation, one sample a minute: `a+bxn` begins at a and adds b n times.
"""

from dataclasses import dataclass, field

JOB = 'namespace="team", training_job="gpt"'
OF_JOB = {"namespace": "team", "training_job": "gpt"}
OF_POOL = {"llmcluster": "main", "pool": "h200"}
RUNS = {f"llmtrain_job_ranks{{{JOB}}}": "8+0x240"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two histories of one rule."""

    speaks: dict[str, str]
    silent: dict[str, str]
    minute: int
    """When it is asked."""
    labels: dict[str, str] = field(default_factory=dict)
    value: float = 1.0


def job(name: str, values: str, more: str = "") -> dict[str, str]:
    """Return one series of a job."""
    return {f"{name}{{{JOB}{more}}}": values}


def ranks(*seconds: float) -> dict[str, str]:
    """Return what the microbatches take each rank."""
    series = {}
    for rank, took in enumerate(seconds):
        series |= job("llmtrain_job_rank_work_seconds", f"{took}+0x60", f', worker="{rank}", rank="0"')
    return series


def spent(stepping: int, recovering: int) -> dict[str, str]:
    """Return the account of a job's life, by seconds a minute."""
    return {
        **job("llmtrain_job_seconds_total", f"0+{stepping}x180", ', kind="stepping"'),
        **job("llmtrain_job_seconds_total", f"0+{recovering}x180", ', kind="recovering"'),
    }


def pool(metric: str, **states: int) -> dict[str, str]:
    """Return a pool's nodes or GPUs by state."""
    return {
        f'{metric}{{llmcluster="main", pool="h200", state="{state}"}}': f"{number}+0x60"
        for state, number in states.items()
    }


RECORDINGS = {
    "training_job:llmtrain_job_rank_work_seconds:max": Case(
        speaks=ranks(1, 2, 4), silent={}, minute=5, labels=OF_JOB, value=4
    ),
    "training_job:llmtrain_job_rank_work_seconds:median": Case(
        speaks=ranks(1, 2, 4), silent={}, minute=5, labels=OF_JOB, value=2
    ),
    "training_job:llmtrain_job_step:rate5m": Case(
        speaks=job("llmtrain_job_step", "0+120x30"), silent={}, minute=20, labels=OF_JOB, value=2
    ),
    "training_job:llmtrain_job_seconds:goodput1h": Case(
        speaks=spent(45, 15), silent={}, minute=120, labels=OF_JOB, value=0.75
    ),
    "llmcluster:llmtrain_pool_gpus:allocated_ratio": Case(
        speaks=pool("llmtrain_pool_gpus", allocated=6, idle=1, unhealthy=1),
        silent={},
        minute=5,
        labels={"llmcluster": "main"},
        value=0.75,
    ),
}

ALERTS = {
    "LlmtrainJobStuck": Case(
        speaks={**RUNS, **job("llmtrain_job_step", "7+0x60"), **job("llmtrain_job_steps", "90+0x60")},
        silent={**RUNS, **job("llmtrain_job_step", "7+1x60"), **job("llmtrain_job_steps", "90+0x60")},
        minute=50,
        labels=OF_JOB,
    ),
    "LlmtrainRankHung": Case(
        speaks=job("llmtrain_job_recovery_seconds_total", "0+0x10 301+0x20", ', rung="process", part="detect"'),
        silent=job("llmtrain_job_recovery_seconds_total", "0+0x10 2+0x20", ', rung="pod", part="detect"'),
        minute=15,
        labels=OF_JOB,
    ),
    "LlmtrainStraggler": Case(speaks=ranks(1, 1, 1, 2), silent=ranks(1, 1, 1, 1.2), minute=30, labels=OF_JOB),
    "LlmtrainLowGoodput": Case(
        speaks={**RUNS, **spent(40, 20)}, silent={**RUNS, **spent(58, 2)}, minute=150, labels=OF_JOB
    ),
    "LlmtrainManyRecoveries": Case(
        speaks=job("llmtrain_job_recoveries_total", "0+1x90", ', rung="pod"'),
        silent=job("llmtrain_job_recoveries_total", "0+0x30 1+0x60", ', rung="pod"'),
        minute=60,
        labels=OF_JOB,
    ),
    "LlmtrainWorkersMissing": Case(
        speaks={**RUNS, **job("llmtrain_job_ranks_wanted", "16+0x60")},
        silent={**RUNS, **job("llmtrain_job_ranks_wanted", "16+0x5 8+0x60")},
        minute=20,
        labels=OF_JOB,
    ),
    "LlmtrainCheckpointOld": Case(
        speaks={**RUNS, **job("llmtrain_job_checkpoint_time_seconds", "0+0x240")},
        silent={**RUNS, **job("llmtrain_job_checkpoint_time_seconds", "0+60x240")},
        minute=180,
        labels=OF_JOB,
    ),
    "LlmtrainCheckpointFailing": Case(
        speaks=job("llmtrain_job_checkpoint_failing", "1+0x30"),
        silent=job("llmtrain_job_checkpoint_failing", "1+0x2 0+0x30"),
        minute=10,
        labels=OF_JOB,
    ),
    "LlmtrainCheckpointVolumeFull": Case(
        speaks={
            **job("llmtrain_job_checkpoint_volume_free_bytes", "20+0x30"),
            **job("llmtrain_job_checkpoint_size_bytes", "10+0x30"),
        },
        silent={
            **job("llmtrain_job_checkpoint_volume_free_bytes", "40+0x30"),
            **job("llmtrain_job_checkpoint_size_bytes", "10+0x30"),
        },
        minute=15,
        labels=OF_JOB,
    ),
    "LlmtrainJobQueued": Case(
        speaks=job("llmtrain_job_queued_seconds", "0+60x90"),
        silent=job("llmtrain_job_queued_seconds", "4000+0x90"),
        minute=75,
        labels=OF_JOB,
    ),
    "LlmtrainNodesMissing": Case(
        speaks=pool("llmtrain_pool_nodes", ready=3, unready=0, missing=1),
        silent=pool("llmtrain_pool_nodes", ready=4, unready=0, missing=0),
        minute=20,
        labels=OF_POOL,
    ),
    "LlmtrainGpusUnhealthy": Case(
        speaks=pool("llmtrain_pool_gpus", allocated=7, idle=0, unhealthy=1),
        silent=pool("llmtrain_pool_gpus", allocated=7, idle=1, unhealthy=0),
        minute=20,
        labels={**OF_POOL, "state": "unhealthy"},
    ),
    "LlmtrainOperatorDown": Case(
        speaks={"llmtrain_operator_leader": "1+0x5 0+0x20"},
        silent={
            'llmtrain_operator_leader{instance="a"}': "0+0x30",
            'llmtrain_operator_leader{instance="b"}': "1+0x30",
        },
        minute=20,
    ),
    "LlmtrainReconcileErrors": Case(
        speaks={'llmtrain_operator_reconciles_total{kind="job", result="failed"}': "0+6x60"},
        silent={'llmtrain_operator_reconciles_total{kind="job", result="done"}': "0+600x60"},
        minute=40,
        labels={"kind": "job"},
    ),
}
