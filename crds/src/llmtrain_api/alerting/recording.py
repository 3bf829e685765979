"""Recording rules of jobs and pools, which dashboards and alerts share."""

from llmtrain_api.alerting import hardware
from llmtrain_api.alerting.rule import BY_JOB, RecordingRule

SLOWEST = RecordingRule(
    record="training_job:llmtrain_job_rank_compute_seconds:max",
    expr=f"max {BY_JOB} (llmtrain_job_rank_compute_seconds)",
    help="Compute time of the slowest rank's last step.",
)
MEDIAN = RecordingRule(
    record="training_job:llmtrain_job_rank_compute_seconds:median",
    expr=f"quantile {BY_JOB} (0.5, llmtrain_job_rank_compute_seconds)",
    help="Median over ranks of the compute time of the last step.",
)
STEP_RATE = RecordingRule(
    record="training_job:llmtrain_job_step:rate5m",
    expr=f"max {BY_JOB} (clamp_min(deriv(llmtrain_job_step[5m]), 0))",
    help="Steps per second, over five minutes.",
)
# delta() and not increase(): a restarted coordinator resumes from the operator's last ledger, which is a few seconds
# older. increase() would take the decrease for a counter reset.
GOODPUT = RecordingRule(
    record="training_job:llmtrain_job_seconds:goodput1h",
    expr=(
        f'clamp_min(sum {BY_JOB} (delta(llmtrain_job_seconds_total{{category="stepping"}}[1h]))'
        f" / sum {BY_JOB} (delta(llmtrain_job_seconds_total[1h])), 0)"
    ),
    help="Goodput over the last hour: fraction of time spent on training steps, replays excluded.",
)
ALLOCATED = RecordingRule(
    record="llmcluster:llmtrain_pool_gpus:allocated_ratio",
    expr='sum by (llmcluster) (llmtrain_pool_gpus{state="allocated"}) / sum by (llmcluster) (llmtrain_pool_gpus)',
    help="Fraction of an LLMCluster's GPUs that are allocated to pods.",
)

RECORDINGS = (SLOWEST, MEDIAN, STEP_RATE, GOODPUT, ALLOCATED, *hardware.RECORDINGS)
