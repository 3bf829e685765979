"""When a training was, and what was told of it meanwhile."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmtrain_api.alerting.hardware import joined_with_owner_pod
from llmtrain_api.metrics import job, node
from llmtrain_cli.errors import BadInput
from llmtrain_cli.prometheus import RATE_SECONDS, JobName, Prometheus, Series

POINTS = 400
"""Of each curve."""
MARGIN_SECONDS = 1.0
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
    "wanted": job.JOB_RANKS_DESIRED,
}
"""What is asked for as it is, whoever told of it."""
COUNTS = {"recoveries": job.JOB_RECOVERIES, "recovery_seconds": job.JOB_RECOVERY_SECONDS}
"""What is asked for scrape by scrape: a coordinator counts anew, and may do so more than once between two points."""
BY_POD = ("gpu", "gpu_memory", "cpus", "memory", "network")
"""What is asked for by pod, whichever node it is on."""


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """A training in time, in seconds since 1970."""

    born: float
    """When its job was made, or up to seconds later: the same for whoever looks at another part of it."""
    start: float
    end: float
    """When it was first and last told of."""


@dataclass(frozen=True, kw_only=True)
class History:
    """One training. Series are by the names of CURVES, COUNTS and BY_POD."""

    job: JobName
    life: TimeRange
    series: Mapping[str, Sequence[Series]]

    def last(self, name: str) -> float | None:
        """Return the newest value of a curve, None if there is none."""
        found = [one.points[-1] for one in self.series[name] if one.points]
        return max(found)[1] if found else None

    def totals(self, name: str, label: str) -> dict[str, float]:
        """Return the newest values by a label."""
        return {one.labels[label]: one.value for one in self.series[name]}


def read(prometheus: Prometheus, of: JobName, since: str) -> History:
    """Return the newest training of a name; BadInput if Prometheus was told of none in the last `since`, such as 7d."""
    account = prometheus.query(f"{of.selector(job.JOB_SECONDS)}[{since}]")
    if not account:
        raise BadInput(
            f"Prometheus at {prometheus.url} was told of no job {of.name} in namespace {of.namespace} in the last {since}; "
            "look further back by --since"
        )
    life = newest_life(account)
    step = max(1.0, (life.end - life.start) / POINTS)
    curves = {
        name: prometheus.query_range(text, life.start, life.end, step) for name, text in questions(of, step).items()
    }
    return History(job=of, life=life, series=curves | {name: _scrapes(prometheus, of, life, name) for name in COUNTS})


def _scrapes(prometheus: Prometheus, of: JobName, life: TimeRange, name: str) -> list[Series]:
    """Return what each instance told of a counter at each scrape of a life."""
    seconds = math.ceil(life.end - life.start) + 1  # some versions leave out what is at the very beginning
    found = prometheus.query(f"{of.selector(COUNTS[name])}[{seconds}s]", at=life.end)
    mine = [replace(one, points=tuple(point for point in one.points if point[0] >= life.start)) for one in found]
    return [one for one in mine if one.points]


def questions(of: JobName, step: float) -> dict[str, str]:
    """Return the expressions of all curves, by name, for points that are `step` seconds apart."""
    seconds, mine = max(RATE_SECONDS, 4 * step), f"{{{of.labels}}}"
    return {
        **{name: of.expr(metric) for name, metric in CURVES.items()},
        "gpu": f"avg by (pod) ({joined_with_owner_pod(node.GPU_UTILIZATION.name, mine)})",
        "gpu_memory": f"sum by (pod) ({joined_with_owner_pod(node.GPU_MEMORY_USED.name, mine)})",
        "cpus": of.rate(node.POD_CPU_SECONDS, "pod", seconds),
        "memory": f"max by (pod) ({of.selector(node.POD_MEMORY_USED)})",
        "network": f"sum by (pod) ({of.rate(node.POD_NETWORK, 'pod, direction', seconds)})",
    }


def newest_life(account: Sequence[Series]) -> TimeRange:
    """Return when the newest job of a name was, by the seconds of its life as they were scraped.

    A job was born at the time of a scrape less all its seconds, or a little earlier; what was told before is of a former
    job of the name. That holds whoever tells, and a new coordinator may begin with an account that is a little older.
    Only a former job's coordinator that ends late is known otherwise: going back in time, the seconds more than double.
    """
    told: dict[tuple[float, str], float] = {}
    for one in account:
        for at, seconds in one.points:
            teller = at, one.labels.get("instance", "")
            told[teller] = told.get(teller, 0.0) + seconds
    (end, _), after = max(told.items())
    start, born = end, end - after
    for (at, _), seconds in sorted(told.items(), reverse=True):
        if at < born or seconds > 2 * after:
            break
        start, after, born = at, seconds, min(born, at - seconds)
    return TimeRange(born=born, start=start, end=max(end, start + MARGIN_SECONDS))
