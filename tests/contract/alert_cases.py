"""Series for which each alert of jobs, pools and the operator fires, and series for which it stays silent.

Silent are: just below the threshold, each guard of the expression, and a condition that holds for too short a time.
"""

from contract.promtool_series import (
    OF_JOB,
    OF_POOL,
    RUNS,
    AlertCase,
    History,
    handed_over,
    job,
    lived,
    pool,
    ranks,
    reconciles,
    recovered,
    twice,
)

NO_RANKS = job("llmtrain_job_ranks", "8+0x140 0+0x60")
STEPS = job("llmtrain_job_step", "0+1x240")
FREE, SIZE = "llmtrain_job_checkpoint_volume_free_bytes", "llmtrain_job_checkpoint_size_bytes"


def taken(values: str) -> History:
    """Return a running job with the times of its newest checkpoint."""
    return {**RUNS, **STEPS, **job("llmtrain_job_checkpoint_time_seconds", values)}


def in_five_minutes(times: int) -> str:
    """Return a counter that grows `times` times in any five minutes, at most once a minute."""
    return " ".join(str(9 + minute * times // 5) for minute in range(60))


ALERTS = {
    "LlmtrainJobStuck": AlertCase(
        minute=50,
        labels=OF_JOB,
        fires={
            "no step was ever done": RUNS,
            "steps were done, and then none": {**RUNS, **lived(stepping="0+50x15 750+0x60")},
            "it evaluates endlessly": {**RUNS, **lived(stepping="0+50x15 750+0x60", evaluating="0+0x15 0+60x60")},
            "steps stopped before a new coordinator started": {
                **handed_over(job("llmtrain_job_ranks", "8"), 45),
                **lived(stepping="0+50x15 750+0x60"),
            },
        },
        silent={
            "steps are done": {**RUNS, **lived(stepping="0+50x60")},
            "steps are replayed": {**RUNS, **lived(replaying="0+50x60")},
            "no rank has joined": job("llmtrain_job_ranks", "0+0x60"),
            "all steps are done": {
                **RUNS,
                **job("llmtrain_job_step", "90+0x60"),
                **job("llmtrain_job_steps", "90+0x60"),
            },
            "steps stopped a quarter of an hour ago": {**RUNS, **lived(stepping="0+50x25 1250+0x60")},
        },
    ),
    "LlmtrainRankHung": AlertCase(
        minute=15,
        labels=OF_JOB,
        fires={
            "a rank hung for the shortest hangSeconds": {
                **recovered("process", "0+0x10 1+0x20", detect="0+0x10 5+0x20", restore="0+0x10 1+0x20"),
                **recovered("pod", "0+0x30", detect="0+0x30"),
            },
        },
        silent={
            "a lease expired late": recovered("pod", "0+0x10 1+0x20", detect="0+0x10 3+0x20"),
            "many leases expired": recovered("pod", "0+1x30", detect="0+2x30"),
            "restoring takes long": recovered("pod", "0+0x10 1+0x20", detect="0+0x10 1+0x20", restore="0+0x10 90+0x20"),
        },
    ),
    "LlmtrainStraggler": AlertCase(
        minute=30,
        labels=OF_JOB,
        fires={"one of three is slow": ranks("1+0x60", "1+0x60", "1.6+0x60")},
        silent={
            "one is a little slower": ranks("1+0x60", "1+0x60", "1.4+0x60"),
            "of two, one is always the slower": ranks("1+0x60", "4+0x60"),
            "two ranks scraped by two scrape jobs": twice(ranks("1+0x60", "4+0x60")),
            "it has been slow for ten minutes": ranks("1+0x60", "1+0x60", "1+0x20 1.6+0x60"),
        },
    ),
    "LlmtrainLowGoodput": AlertCase(
        minute=150,
        labels=OF_JOB,
        fires={"a quarter went into recoveries": {**RUNS, **lived(stepping="0+45x180", recovering="0+15x180")}},
        silent={
            "a sixth went into recoveries": {**RUNS, **lived(stepping="0+50x180", recovering="0+10x180")},
            "it has no workers": {**NO_RANKS, **lived(stepping="0+30x180", recovering="0+30x180")},
            "it started slowly and has trained since": {
                **job("llmtrain_job_ranks", "_x100 8+0x100"),
                **lived(starting="_x100 1+60x12 721+0x200", stepping="_x113 1+60x200"),
            },
            "it has been low for twenty minutes": {
                **RUNS,
                **lived(stepping="0+60x115 6900+0x60", recovering="0+0x115 0+60x60"),
            },
        },
    ),
    "LlmtrainManyRecoveries": AlertCase(
        minute=60,
        labels=OF_JOB,
        fires={
            "six of one method": recovered("pod", "0+0x30 1+1x5 6+0x60"),
            "six of two methods": {
                **recovered("pod", "0+0x30 1+1x2 3+0x60"),
                **recovered("process", "0+0x30 1+1x2 3+0x60"),
            },
        },
        silent={"five": recovered("pod", "0+0x30 1+1x4 5+0x60"), "six before": recovered("pod", "6+0x60")},
    ),
    "LlmtrainWorkersMissing": AlertCase(
        minute=20,
        labels=OF_JOB,
        fires={
            "one is missing": {**RUNS, **job("llmtrain_job_ranks_desired", "9+0x60")},
            "one is missing, and a new coordinator exports it": handed_over(
                {**job("llmtrain_job_ranks", "8"), **job("llmtrain_job_ranks_desired", "9")}, 10
            ),
        },
        silent={
            "the job was scaled down": {**RUNS, **job("llmtrain_job_ranks_desired", "16+0x5 8+0x60")},
            "one has been missing for ten minutes": {**RUNS, **job("llmtrain_job_ranks_desired", "8+0x10 9+0x60")},
        },
    ),
    "LlmtrainCheckpointOld": AlertCase(
        minute=180,
        labels=OF_JOB,
        fires={
            "the newest is two hours and ten minutes old": taken("0+60x50 3000+0x200"),
            "none was ever series_name": {**RUNS, **STEPS},
            "its series has ended": taken("600+0x50 stale"),
            "a new coordinator started": {
                **RUNS,
                **handed_over(job("llmtrain_job_checkpoint_time_seconds", "600"), 178),
            },
        },
        silent={
            "the newest is 100 minutes old": taken("0+60x80 4800+0x200"),
            "it has no workers": {**taken("600+0x240"), **NO_RANKS},
            "the job is young": {**RUNS, **job("llmtrain_job_step", "_x80 0+1x200")},
            "rank 0 was replaced, so the series resumes with the next checkpoint": taken("0+60x170 stale"),
            "its program reports no steps": RUNS,
            "it has been too old for three minutes": taken("3420+0x240"),
        },
    ),
    "LlmtrainCheckpointFailing": AlertCase(
        minute=10,
        labels=OF_JOB,
        fires={
            "the newest failed": job("llmtrain_job_checkpoint_failing", "1+0x30"),
            "a new coordinator exports it": handed_over(job("llmtrain_job_checkpoint_failing", "1"), 8),
        },
        silent={
            "the next succeeded": job("llmtrain_job_checkpoint_failing", "1+0x6 0+0x30"),
            "it has failed for three minutes": job("llmtrain_job_checkpoint_failing", "0+0x6 1+0x30"),
        },
    ),
    "LlmtrainCheckpointVolumeFull": AlertCase(
        minute=15,
        labels=OF_JOB,
        fires={
            "space for fewer than three": {**job(FREE, "28+0x30"), **job(SIZE, "10+0x30")},
            "a new coordinator exports it": handed_over({**job(FREE, "28"), **job(SIZE, "10")}, 13),
        },
        silent={
            "space for three": {**job(FREE, "31+0x30"), **job(SIZE, "10+0x30")},
            "it has been full for two minutes": {**job(FREE, "40+0x12 20+0x30"), **job(SIZE, "10+0x30")},
        },
    ),
    "LlmtrainJobQueued": AlertCase(
        minute=75,
        labels=OF_JOB,
        fires={
            "it waited all the time": job("llmtrain_job_queued_seconds", "0+60x90"),
            "another operator has taken over": {
                **job("llmtrain_job_queued_seconds", "0+60x39 stale", ', instance="a"'),
                **job("llmtrain_job_queued_seconds", "_x40 2400+60x90", ', instance="b"'),
            },
        },
        silent={
            "it waited for 55 minutes": job("llmtrain_job_queued_seconds", "0+0x20 60+60x90"),
            "it waited long ago": job("llmtrain_job_queued_seconds", "4000+0x90"),
            "it waited long ago, and waits again": job("llmtrain_job_queued_seconds", "3590+0x70 3650+60x30"),
        },
    ),
    "LlmtrainNodesMissing": AlertCase(
        minute=20,
        labels=OF_POOL,
        fires={
            "one is not there": pool("llmtrain_pool_nodes", ready="3+0x60", unready="0+0x60", missing="1+0x60"),
            "one is not ready": pool("llmtrain_pool_nodes", ready="3+0x60", unready="1+0x60", missing="0+0x60"),
        },
        silent={
            "all are ready": pool("llmtrain_pool_nodes", ready="4+0x60", unready="0+0x60", missing="0+0x60"),
            "one has been missing for ten minutes": pool(
                "llmtrain_pool_nodes", ready="4+0x60", missing="0+0x10 1+0x60"
            ),
        },
    ),
    "LlmtrainGpusUnhealthy": AlertCase(
        minute=20,
        labels=OF_POOL,
        fires={
            "one is unhealthy": pool("llmtrain_pool_gpus", allocated="7+0x60", idle="0+0x60", unhealthy="1+0x60"),
            "another operator has taken over": handed_over(pool("llmtrain_pool_gpus", unhealthy="1"), 15),
        },
        silent={
            "none is": pool("llmtrain_pool_gpus", allocated="7+0x60", idle="1+0x60", unhealthy="0+0x60"),
            "one has been for five minutes": pool("llmtrain_pool_gpus", allocated="7+0x60", unhealthy="0+0x14 1+0x60"),
        },
    ),
    "LlmtrainOperatorDown": AlertCase(
        minute=20,
        fires={
            "it does not lead": {"llmtrain_operator_leader": "1+0x5 0+0x20"},
            "it is gone": {"llmtrain_operator_leader": "1+0x5 stale"},
        },
        silent={
            "one of two leads": {
                'llmtrain_operator_leader{instance="a"}': "0+0x30",
                'llmtrain_operator_leader{instance="b"}': "1+0x30",
            },
            "it has been gone for three minutes": {"llmtrain_operator_leader": "1+0x16 stale"},
        },
    ),
    "LlmtrainReconcileErrors": AlertCase(
        minute=40,
        labels={"kind": "job"},
        fires={
            "one object fails in each slow retry": reconciles(failed=in_five_minutes(4), done="0+600x60"),
            "one object is rejected four times a minute": reconciles(rejected="9+4x60"),
        },
        silent={
            "something fails occasionally": reconciles(failed=in_five_minutes(3)),
            "what failed before succeeds now": reconciles(failed="40+0x60", done="0+600x60"),
            "only conflicts": reconciles(conflict="0+6x60"),
            "it has failed for ten minutes": reconciles(failed="0+0x30 0+6x60"),
        },
    ),
}
