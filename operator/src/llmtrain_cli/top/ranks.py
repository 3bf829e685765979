"""What each rank of a job does now, and what its hardware does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from llmtrain_api.alerting.hardware import joined_with_owner_pod
from llmtrain_api.metrics import job, node
from llmtrain_cli.errors import BadInput
from llmtrain_cli.natural_sort import natural_key
from llmtrain_cli.prometheus import JobName, Prometheus, Series

Answers = Mapping[str, Sequence[Series]]
"""By the names of the questions."""


class NoSeries(BadInput):
    """Prometheus answers, and nobody tells it of the job."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rank. A pod's memory, CPUs and network are shown with each of its ranks; None is not known."""

    worker: int
    rank: int
    """Its number in its worker; it computes on the pod's GPU of that number."""
    pod: str
    node: str = ""
    work_seconds: float
    slowness: float
    """Its time over that of the rank in the middle."""
    gpu: float | None = None
    gpu_memory: float | None = None
    cpus: float | None = None
    memory: float | None = None
    memory_limit: float | None = None
    received: float | None = None
    sent: float | None = None


def questions(of: JobName) -> dict[str, str]:
    """Return the expressions that `top` asks for, by name."""
    return {
        "step": of.expr(job.JOB_STEP),
        "steps": of.expr(job.JOB_STEPS),
        "loss": of.expr(job.JOB_LOSS),
        "tokens": of.expr(job.JOB_TOKENS_PER_SECOND),
        "mfu": of.expr(job.JOB_MFU),
        "goodput": of.expr(job.JOB_GOODPUT),
        "ranks": of.expr(job.JOB_RANKS),
        "wanted": of.expr(job.JOB_RANKS_DESIRED),
        "recoveries": f"sum({of.expr(job.JOB_RECOVERIES)})",
        "checkpoint": f"time() - {of.expr(job.JOB_CHECKPOINT_TIME)}",
        "work": of.expr(job.JOB_RANK_COMPUTE),
        "gpu": joined_with_owner_pod(node.GPU_UTILIZATION.name, f"{{{of.labels}}}"),
        "gpu_memory": joined_with_owner_pod(node.GPU_MEMORY_USED.name, f"{{{of.labels}}}"),
        "memory": of.expr(node.POD_MEMORY_USED),
        "memory_limit": of.expr(node.POD_MEMORY_LIMIT),
        "cpus": of.rate(node.POD_CPU_SECONDS, "pod"),
        "received": of.rate(node.POD_NETWORK, "pod", more=', direction="received"'),
        "sent": of.rate(node.POD_NETWORK, "pod", more=', direction="sent"'),
    }


def rows(of: JobName, answers: Answers) -> list[Row]:
    """Return the ranks, by worker and number."""
    work = {(int(one.labels["worker"]), int(one.labels["rank"])): one.value for one in answers["work"]}
    middle = median(work.values()) if work else 0.0
    by_pod = {
        name: {one.labels["pod"]: one for one in answers[name]}
        for name in ("cpus", "memory", "memory_limit", "received", "sent")
    }
    found = []
    for (worker, rank), seconds in sorted(work.items()):
        pod = f"{of.name}-worker-{worker}"
        used = by_pod["memory"].get(pod)
        found.append(
            Row(
                worker=worker,
                rank=rank,
                pod=pod,
                work_seconds=seconds,
                slowness=seconds / middle if middle else 1.0,
                node=used.labels["node"] if used else "",
                gpu=_of_gpu(answers["gpu"], pod, rank),
                gpu_memory=_of_gpu(answers["gpu_memory"], pod, rank),
                **{name: one[pod].value if pod in one else None for name, one in by_pod.items()},
            )
        )
    return found


def _of_gpu(series: Sequence[Series], pod: str, rank: int) -> float | None:
    mine = sorted((one for one in series if one.labels["pod"] == pod), key=lambda one: natural_key(one.labels["gpu"]))
    return mine[rank].value if rank < len(mine) else None


def ask(prometheus: Prometheus, of: JobName) -> Answers:
    """Return the answers; NotTold if nobody tells of the job."""
    answers = {name: prometheus.query(expression) for name, expression in questions(of).items()}
    if not answers["wanted"]:
        raise NoSeries(
            f"Prometheus at {prometheus.url} is told of no job {of.name} in namespace {of.namespace} now: it doesn't train, "
            "or isn't scraped; `llmtrain report` shows one that has ended"
        )
    return answers
