"""Answers of Prometheus about a running job, for the tests of `llmtrain top`."""

import io
from typing import Any

from rich.console import Console

from llmtrain_cli.prometheus import Series
from llmtrain_cli.top.ranks import exprs
from unit.cli.fake_prometheus import JOB, series


def compute(worker: int, rank: int, seconds: float) -> Series:
    """Return the compute time of a rank."""
    return series([seconds], worker=str(worker), rank=str(rank))


NO_ANSWERS: dict[str, list[Series]] = {name: [] for name in exprs(JOB)}
ANSWERS = {
    **NO_ANSWERS,
    "step": [series([40])],
    "steps": [series([100])],
    "goodput": [series([0.925])],
    "ranks": [series([3])],
    "desired": [series([4])],
    "compute": [compute(1, 0, 0.5), compute(0, 0, 0.2), compute(0, 1, 0.2)],
    "memory": [series([2**30], pod="gpt-worker-0", node="a"), series([2**29], pod="gpt-worker-1", node="b")],
    "memory_limit": [series([2**31], pod="gpt-worker-0")],
    "gpu": [
        series([0.5], pod="gpt-worker-0", gpu="10"),
        series([0.9], pod="gpt-worker-0", gpu="9"),
        series([0.1], pod="other", gpu="0"),
    ],
}


def point(value: float, **labels: str) -> dict[str, Any]:
    """Return a series of one point as Prometheus' API does."""
    return {"metric": labels, "value": [1.0, str(value)]}


def terminal(width: int, height: int) -> Console:
    """Return the console of a terminal that writes to memory."""
    return Console(width=width, height=height, force_terminal=True, file=io.StringIO(), legacy_windows=False)
