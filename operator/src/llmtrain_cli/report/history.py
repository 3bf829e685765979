"""When a training was, and what was told of it meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmtrain_api.alerting.hardware import of_holder
from llmtrain_api.metrics import job, node
from llmtrain_cli.errors import BadInput
from llmtrain_cli.prometheus import JobName, Prometheus, Series

POINTS = 400
"""Of each curve."""
MARGIN_SECONDS = 1.0
CURVES = {
    "step": job.JOB_STEP,
    "loss": job.JOB_LOSS,
    "held_out_loss": job.JOB_HELD_OUT_LOSS,
    "tokens": job.JOB_TOKENS,
    "tokens_per_second": job.JOB_TOKENS_PER_SECOND,
    "mfu": job.JOB_MFU,
    "seconds": job.JOB_SECONDS,
    "ranks": job.JOB_RANKS,
    "wanted": job.JOB_RANKS_WANTED,
    "recoveries": job.JOB_RECOVERIES,
    "memory": node.POD_MEMORY_USED,
}
"""What is asked for as it is."""


@dataclass(frozen=True, kw_only=True)
class History:
    """One training. Series are by the names of CURVES and `gpu`, `gpu_memory`, `cpus` and `network`."""

    job: JobName
    start: float
    end: float
    """Seconds since 1970."""
    series: Mapping[str, Sequence[Series]]

    def last(self, name: str) -> float | None:
        """Return the newest value of a curve, None if there is none."""
        found = [one.points[-1] for one in self.series[name] if one.points]
        return max(found)[1] if found else None

    def totals(self, name: str, label: str) -> dict[str, float]:
        """Return the newest values by a label."""
        return {one.labels[label]: one.value for one in sorted(self.series[name], key=lambda one: one.points[-1][0])}


def read(prometheus: Prometheus, of: JobName, since: str) -> History:
    """Return the newest training of a name; BadInput if Prometheus was told of none in the last `since`, such as 7d."""
    account = prometheus.query(f"{of.of(job.JOB_SECONDS.name)}[{since}]")
    if not account:
        raise BadInput(
            f"Prometheus at {prometheus.url} was told of no job {of.name} in namespace {of.namespace} in the last {since}; "
            "look further back by --since"
        )
    start, end = newest_life(account)
    step = max(1.0, (end - start) / POINTS)
    window = f"[{max(60, round(4 * step))}s]"
    questions = {name: of.of(metric.name) for name, metric in CURVES.items()}
    mine = f"{{{of.labels}}}"
    questions["gpu"] = f"avg by (pod) ({of_holder(node.GPU_UTILIZATION.name, mine)})"
    questions["gpu_memory"] = f"sum by (pod) ({of_holder(node.GPU_MEMORY_USED.name, mine)})"
    questions["cpus"] = f"rate({of.of(node.POD_CPU_SECONDS.name)}{window})"
    questions["network"] = f"sum by (pod) (rate({of.of(node.POD_NETWORK.name)}{window}))"
    asked = {name: prometheus.query_range(text, start, end, step) for name, text in questions.items()}
    return History(job=of, start=start, end=end, series=asked)


def newest_life(account: Sequence[Series]) -> tuple[float, float]:
    """Return when the newest job of a name began and ended to be told of.

    The seconds of a job's life only grow, through every restart of its coordinator: where they fall, another job with
    the same name began.
    """
    end = max(one.points[-1][0] for one in account)
    start = min(one.points[0][0] for one in account)
    for one in account:
        for (_, before), (at, after) in zip(one.points, one.points[1:], strict=False):
            if after < before:
                start = max(start, at)
    return start, max(end, start + MARGIN_SECONDS)
