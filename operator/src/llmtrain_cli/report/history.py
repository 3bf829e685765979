"""When a training ran, and its series in that time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmtrain_api.alerting.hardware import joined_with_owner_pod
from llmtrain_api.metrics import job, node
from llmtrain_cli.errors import BadInput
from llmtrain_cli.prometheus import MIN_RATE_WINDOW_SECONDS, JobName, Prometheus, Series

POINTS = 400
"""Points of each curve."""
MIN_DURATION_SECONDS = 1.0
CURVES = {
    "step": job.JOB_STEP,
    "steps": job.JOB_STEPS,
    "loss": job.JOB_LOSS,
    "held_out_loss": job.JOB_HELD_OUT_LOSS,
    "tokens": job.JOB_TOKENS,
    "tokens_per_second": job.JOB_TOKENS_PER_SECOND,
    "mfu": job.JOB_MFU,
    "seconds": job.JOB_SECONDS,
    "ranks": job.JOB_RANKS,
    "desired": job.JOB_RANKS_DESIRED,
}
"""Metrics that are queried at POINTS times, from any instance."""
COUNTERS = {"recoveries": job.JOB_RECOVERIES, "recovery_seconds": job.JOB_RECOVERY_SECONDS}
"""Metrics that are read scrape by scrape: a coordinator's counters can reset more than once between two points."""
BY_POD = ("gpu", "gpu_memory", "cpus", "memory", "network")
"""Hardware curves by pod, from any node."""


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """When a training ran, in seconds since 1970."""

    created: float
    """When the job was created, or some seconds later. Identical for every queried part of the training."""
    start: float
    end: float
    """First and last scrape."""


@dataclass(frozen=True, kw_only=True)
class History:
    """One training. Series are keyed by the names of CURVES, COUNTERS and BY_POD."""

    job: JobName
    time_range: TimeRange
    series: Mapping[str, Sequence[Series]]

    def last(self, name: str) -> float | None:
        """Return the newest value of a curve, None if there is none."""
        points = [each.points[-1] for each in self.series[name] if each.points]
        return max(points)[1] if points else None

    def totals(self, name: str, label: str) -> dict[str, float]:
        """Return the newest values of a curve by a label."""
        return {each.labels[label]: each.value for each in self.series[name]}


def read(prometheus: Prometheus, job_name: JobName, since: str) -> History:
    """Return the newest training of a name. BadInput if there is no series of it in the last `since`, such as 7d."""
    ledger = prometheus.query(f"{job_name.selector(job.JOB_SECONDS)}[{since}]")
    if not ledger:
        raise BadInput(
            f"no metrics of job {job_name.namespace}/{job_name.name} at {prometheus.url} in the last {since}: "
            "look further back with --since"
        )
    time_range = newest_time_range(ledger)
    start, step = grid(time_range)
    curves = {
        name: prometheus.query_range(expr, start, time_range.end, step) for name, expr in exprs(job_name, step).items()
    }
    counters = {name: _scrapes(prometheus, job_name, time_range, name) for name in COUNTERS}
    return History(job=job_name, time_range=time_range, series=curves | counters)


def grid(time_range: TimeRange) -> tuple[float, float]:
    """Return the time of the first point of each curve and the time between two, such that the last is the last scrape."""
    duration = time_range.end - time_range.start
    step = math.ceil(1000 * max(1.0, duration / POINTS)) / 1000  # the API takes milliseconds
    return time_range.end - step * math.floor(duration / step), step


def _scrapes(prometheus: Prometheus, job_name: JobName, time_range: TimeRange, name: str) -> list[Series]:
    """Return a counter of each instance at each scrape within a time range."""
    seconds = math.ceil(time_range.end - time_range.start) + 1  # some versions exclude the left boundary
    series = prometheus.query(f"{job_name.selector(COUNTERS[name])}[{seconds}s]", at=time_range.end)
    within = [
        replace(each, points=tuple(point for point in each.points if point[0] >= time_range.start)) for each in series
    ]
    return [each for each in within if each.points]


def exprs(job_name: JobName, step: float) -> dict[str, str]:
    """Return the expressions of all curves, by name, for points that are `step` seconds apart."""
    seconds, selector = max(MIN_RATE_WINDOW_SECONDS, 4 * step), f"{{{job_name.labels}}}"
    return {
        **{name: job_name.expr(metric) for name, metric in CURVES.items()},
        "gpu": f"avg by (pod) ({joined_with_owner_pod(node.GPU_UTILIZATION.name, selector)})",
        "gpu_memory": f"sum by (pod) ({joined_with_owner_pod(node.GPU_MEMORY_USED.name, selector)})",
        "cpus": job_name.rate(node.POD_CPU_SECONDS, "pod", seconds),
        "memory": f"max by (pod) ({job_name.selector(node.POD_MEMORY_USED)})",
        "network": f"sum by (pod) ({job_name.rate(node.POD_NETWORK, 'pod, direction', seconds)})",
    }


def newest_time_range(ledger: Sequence[Series]) -> TimeRange:
    """Return when the newest job of a name ran, from the scrapes of its time ledger.

    A job was created at the time of a scrape minus the sum of its seconds, or a little earlier; scrapes before that are of
    an earlier job of the same name. This holds for every instance, although a new coordinator can start from a ledger that
    is a little older. One case is detected by another rule: the earlier job's coordinator exits after the newest job's
    start. Its sum is more than twice as large, going back in time.
    """
    sums: dict[tuple[float, str], float] = {}
    for each in ledger:
        for at, seconds in each.points:
            key = at, each.labels.get("instance", "")
            sums[key] = sums.get(key, 0.0) + seconds
    (end, _), after = max(sums.items())
    start, created = end, end - after
    for (at, _), seconds in sorted(sums.items(), reverse=True):
        if at < created or seconds > 2 * after:
            break
        start, after, created = at, seconds, min(created, at - seconds)
    return TimeRange(created=created, start=start, end=max(end, start + MIN_DURATION_SECONDS))
