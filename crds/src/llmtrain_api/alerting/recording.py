"""Series that are worth computing once: dashboards and alerts read them."""

from llmtrain_api.alerting import hardware
from llmtrain_api.alerting.rule import BY_JOB, RecordingRule

SLOWEST = RecordingRule(
    record="training_job:llmtrain_job_rank_compute_seconds:max",
    expr=f"max {BY_JOB} (llmtrain_job_rank_compute_seconds)",
    help="What the slowest rank's microbatches take.",
)
MEDIAN = RecordingRule(
    record="training_job:llmtrain_job_rank_compute_seconds:median",
    expr=f"quantile {BY_JOB} (0.5, llmtrain_job_rank_compute_seconds)",
    help="What the microbatches of the rank in the middle take.",
)
STEP_RATE = RecordingRule(
    record="training_job:llmtrain_job_step:rate5m",
    expr=f"max {BY_JOB} (clamp_min(deriv(llmtrain_job_step[5m]), 0))",
    help="Steps a second, over five minutes.",
)
# A coordinator that restarts goes on from what the operator knew last, seconds before: for increase() that were a reset.
GOODPUT = RecordingRule(
    record="training_job:llmtrain_job_seconds:goodput1h",
    expr=(
        f'clamp_min(sum {BY_JOB} (delta(llmtrain_job_seconds_total{{category="stepping"}}[1h]))'
        f" / sum {BY_JOB} (delta(llmtrain_job_seconds_total[1h])), 0)"
    ),
    help="Part of the last hour in which a job trained and did nothing twice.",
)
ALLOCATED = RecordingRule(
    record="llmcluster:llmtrain_pool_gpus:allocated_ratio",
    expr='sum by (llmcluster) (llmtrain_pool_gpus{state="allocated"}) / sum by (llmcluster) (llmtrain_pool_gpus)',
    help="Part of an LLMCluster's GPUs that pods hold.",
)

RECORDINGS = (SLOWEST, MEDIAN, STEP_RATE, GOODPUT, ALLOCATED, *hardware.RECORDINGS)
