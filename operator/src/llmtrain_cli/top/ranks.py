"""The current state of each rank of a job and of its hardware."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from llmtrain_api.alerting.hardware import joined_with_owner_pod
from llmtrain_api.metrics import job, node
from llmtrain_cli.errors import BadInput
from llmtrain_cli.prometheus import JobName, Prometheus, Series, sorted_by_label

Answers = Mapping[str, Sequence[Series]]
"""Keyed by the names of the expressions."""


class NoSeries(BadInput):
    """Prometheus answers, but has no current series of the job."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rank. Memory, CPUs and network are those of its pod. None stands for no data."""

    worker: int
    rank: int
    """Number within the worker; the rank computes on the pod's GPU of that number."""
    pod: str
    node: str = ""
    compute_seconds: float
    slowness: float
    """Compute time relative to the median rank's."""
    gpu: float | None = None
    gpu_memory: float | None = None
    cpus: float | None = None
    memory: float | None = None
    memory_limit: float | None = None
    received: float | None = None
    sent: float | None = None


def exprs(job_name: JobName) -> dict[str, str]:
    """Return the expressions that `top` queries, by name."""
    return {
        "step": job_name.expr(job.JOB_STEP),
        "steps": job_name.expr(job.JOB_STEPS),
        "loss": job_name.expr(job.JOB_LOSS),
        "tokens": job_name.expr(job.JOB_TOKENS_PER_SECOND),
        "mfu": job_name.expr(job.JOB_MFU),
        "goodput": job_name.expr(job.JOB_GOODPUT),
        "ranks": job_name.expr(job.JOB_RANKS),
        "desired": job_name.expr(job.JOB_RANKS_DESIRED),
        "recoveries": f"sum({job_name.expr(job.JOB_RECOVERIES)})",
        "checkpoint": f"time() - {job_name.expr(job.JOB_CHECKPOINT_TIME)}",
        "compute": job_name.expr(job.JOB_RANK_COMPUTE),
        "gpu": joined_with_owner_pod(node.GPU_UTILIZATION.name, f"{{{job_name.labels}}}"),
        "gpu_memory": joined_with_owner_pod(node.GPU_MEMORY_USED.name, f"{{{job_name.labels}}}"),
        "memory": job_name.expr(node.POD_MEMORY_USED),
        "memory_limit": job_name.expr(node.POD_MEMORY_LIMIT),
        "cpus": job_name.rate(node.POD_CPU_SECONDS, "pod"),
        "received": job_name.rate(node.POD_NETWORK, "pod", more=', direction="received"'),
        "sent": job_name.rate(node.POD_NETWORK, "pod", more=', direction="sent"'),
    }


def rows(job_name: JobName, answers: Answers) -> list[Row]:
    """Return the ranks, by worker and number."""
    compute = {(int(each.labels["worker"]), int(each.labels["rank"])): each.value for each in answers["compute"]}
    median_seconds = median(compute.values()) if compute else 0.0
    by_pod = {
        name: {each.labels["pod"]: each for each in answers[name]}
        for name in ("cpus", "memory", "memory_limit", "received", "sent")
    }
    ranks = []
    for (worker, rank), seconds in sorted(compute.items()):
        pod = f"{job_name.name}-worker-{worker}"
        used = by_pod["memory"].get(pod)
        ranks.append(
            Row(
                worker=worker,
                rank=rank,
                pod=pod,
                compute_seconds=seconds,
                slowness=seconds / median_seconds if median_seconds else 1.0,
                node=used.labels["node"] if used else "",
                gpu=_of_gpu(answers["gpu"], pod, rank),
                gpu_memory=_of_gpu(answers["gpu_memory"], pod, rank),
                **{name: series[pod].value if pod in series else None for name, series in by_pod.items()},
            )
        )
    return ranks


def _of_gpu(series: Sequence[Series], pod: str, rank: int) -> float | None:
    gpus = sorted_by_label((each for each in series if each.labels["pod"] == pod), "gpu")
    return gpus[rank].value if rank < len(gpus) else None


def ask(prometheus: Prometheus, job_name: JobName) -> Answers:
    """Return the answers to all expressions. NoSeries if the job has no current metrics."""
    answers = {name: prometheus.query(expr) for name, expr in exprs(job_name).items()}
    if not answers["desired"]:
        raise NoSeries(
            f"no current metrics of job {job_name.namespace}/{job_name.name} at {prometheus.url}: it is not training, "
            "or is not scraped; `llmtrain report` shows a training that has ended"
        )
    return answers
