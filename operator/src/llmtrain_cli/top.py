"""`llmtrain top`: what each rank of a job does now, and what its hardware does, as Prometheus was last told."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from llmtrain_api.alerting.hardware import of_holder
from llmtrain_api.metrics import job, node
from llmtrain_cli.errors import BadInput
from llmtrain_cli.prometheus import JobName, Prometheus, Series

WINDOW = "[2m]"
"""Over which speeds are taken: at least two scrapes lie in it."""
WIDE = 200
"""Columns of what goes to a file or a pipe."""
Answers = Mapping[str, Sequence[Series]]


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
    rate = {"cpus": node.POD_CPU_SECONDS.name, "received": node.POD_NETWORK.name, "sent": node.POD_NETWORK.name}
    labels = {"cpus": "", "received": ', direction="received"', "sent": ', direction="sent"'}
    return {
        "step": of.of(job.JOB_STEP.name),
        "steps": of.of(job.JOB_STEPS.name),
        "loss": of.of(job.JOB_LOSS.name),
        "tokens": of.of(job.JOB_TOKENS_PER_SECOND.name),
        "mfu": of.of(job.JOB_MFU.name),
        "goodput": of.of(job.JOB_GOODPUT.name),
        "ranks": of.of(job.JOB_RANKS.name),
        "wanted": of.of(job.JOB_RANKS_WANTED.name),
        "recoveries": f"sum({of.of(job.JOB_RECOVERIES.name)})",
        "checkpoint": f"time() - {of.of(job.JOB_CHECKPOINT_TIME.name)}",
        "work": of.of(job.JOB_RANK_WORK.name),
        "gpu": of_holder(node.GPU_UTILIZATION.name, f"{{{of.labels}}}"),
        "gpu_memory": of_holder(node.GPU_MEMORY_USED.name, f"{{{of.labels}}}"),
        "memory": of.of(node.POD_MEMORY_USED.name),
        "memory_limit": of.of(node.POD_MEMORY_LIMIT.name),
        **{name: f"rate({of.of(metric, labels[name])}{WINDOW})" for name, metric in rate.items()},
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
                worker=worker, rank=rank, pod=pod, work_seconds=seconds, slowness=seconds / middle if middle else 1.0,
                node=used.labels["node"] if used else "",
                gpu=_of_gpu(answers["gpu"], pod, rank), gpu_memory=_of_gpu(answers["gpu_memory"], pod, rank),
                **{name: one[pod].value if pod in one else None for name, one in by_pod.items()},
            )
        )  # fmt: skip
    return found


def _of_gpu(series: Sequence[Series], pod: str, rank: int) -> float | None:
    mine = sorted((one for one in series if one.labels["pod"] == pod), key=lambda one: int(one.labels["gpu"]))
    return mine[rank].value if rank < len(mine) else None


def headline(of: JobName, answers: Answers) -> str:
    """Return how the job does, in one line."""
    known = {name: found[0].value for name, found in answers.items() if found and name != "work"}
    parts = [f"{of.namespace}/{of.name}"]
    for name, text in (
        ("steps", "step {step:.0f}/{steps:.0f}"),
        ("loss", "loss {loss:.3f}"),
        ("tokens", "{tokens:,.0f} tokens/s"),
        ("mfu", "MFU {mfu:.0%}"),
        ("goodput", "goodput {goodput:.1%}"),
        ("wanted", "ranks {ranks:.0f}/{wanted:.0f}"),
        ("recoveries", "recoveries {recoveries:.0f}"),
        ("checkpoint", "checkpoint {checkpoint:.0f} s old"),
    ):
        if name in known:
            parts.append(text.format(**known))
    return "  ".join(parts)


def table(ranks: Sequence[Row]) -> Table:
    """Return the table of ranks; a rank that holds up the others is marked."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("WORKER", "RANK", "NODE", "WORK", "SLOWNESS", "GPU", "GPU MEMORY", "CPUS", "MEMORY", "IN", "OUT"):
        made.add_column(title, justify="left" if title == "NODE" else "right", no_wrap=title != "NODE")
    for row in ranks:
        limit = f"/{_bytes(row.memory_limit)}" if row.memory_limit is not None else ""
        made.add_row(
            str(row.worker), str(row.rank), row.node or "-", f"{row.work_seconds * 1000:,.0f} ms",
            f"[red]{row.slowness:.2f}[/]" if row.slowness > 1.5 else f"{row.slowness:.2f}",
            "-" if row.gpu is None else f"{row.gpu:.0%}", _bytes(row.gpu_memory),
            "-" if row.cpus is None else f"{row.cpus:.2f}", f"{_bytes(row.memory)}{limit}",
            _speed(row.received), _speed(row.sent),
        )  # fmt: skip
    return made


def _bytes(number: float | None) -> str:
    if number is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} TiB"


def _speed(number: float | None) -> str:
    return "-" if number is None else f"{_bytes(number)}/s"


def ask(prometheus: Prometheus, of: JobName) -> Answers:
    """Return the answers; BadInput if nobody tells of the job."""
    answers = {name: prometheus.query(expression) for name, expression in questions(of).items()}
    if not answers["wanted"]:
        raise BadInput(
            f"Prometheus at {prometheus.url} is told of no job {of.name} in namespace {of.namespace} now: it doesn't train, "
            "or isn't scraped; `llmtrain report` shows one that has ended"
        )
    return answers


def top(prometheus: Prometheus, of: JobName, *, every_seconds: float, once: bool) -> None:
    """Show the job until Ctrl-C, or once."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    answers = ask(prometheus, of)
    if once or not console.is_terminal:
        console.print(headline(of, answers), markup=False, highlight=False, soft_wrap=True)
        console.print(table(rows(of, answers)))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(Group(headline(of, answers), "", table(rows(of, answers))), refresh=True)
                time.sleep(every_seconds)
                answers = ask(prometheus, of)
        except KeyboardInterrupt:
            return
