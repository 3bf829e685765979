"""The table fits the terminal: columns are omitted, never cut, and the slowest ranks are shown first."""

import io
import re

import pytest
from rich.console import Console

from llmtrain_cli.prometheus import Series
from llmtrain_cli.top.ranks import rows
from llmtrain_cli.top.screen import TITLES, headline, screen, table
from unit.cli.fake_prometheus import JOB, series
from unit.cli.jobs import ANSWERS, NO_ANSWERS, compute, terminal


def test_missing_values_are_dashes() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(table(rows(JOB, ANSWERS)))
    lines = console.export_text().splitlines()
    assert lines[0].split()[:4] == ["WORKER", "RANK", "NODE", "COMPUTE"]
    assert "1 GiB/2 GiB" in lines[1]
    assert lines[3].split() == ["1", "0", "b", "500", "ms", "2.50", "-", "-", "-", "512", "MiB", "-", "-"]


def test_the_headline_omits_missing_values() -> None:
    assert headline(JOB, ANSWERS) == "team/gpt  step 40/100  goodput 92.5%  ranks 3/4"
    assert headline(JOB, NO_ANSWERS) == "team/gpt"
    half = {**NO_ANSWERS, "desired": [series([4])]}
    assert headline(JOB, half) == "team/gpt", "the coordinator exited between two queries"


def lines(console: Console, answers: dict[str, list[Series]], notice: str = "") -> list[str]:
    """Return the lines of a screen."""
    rendered = console.render_lines(screen(JOB, answers, notice, console), pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in rendered]


def full(ranks: int) -> dict[str, list[Series]]:
    """Return a job whose last rank is the slowest and whose cells are all filled."""
    pods = [f"gpt-worker-{n}" for n in range(ranks)]
    node = "ip-10-0-0-17.eu-west-1.compute.internal"
    return {
        **ANSWERS,
        "compute": [compute(n, 0, 1 + n / 10) for n in range(ranks)],
        **{
            name: [series([1234567890], pod=pod, node=node, gpu="0") for pod in pods]
            for name in ("memory", "gpu_memory")
        },
        **{name: [series([1234567890], pod=pod) for pod in pods] for name in ("memory_limit", "received", "sent")},
        "cpus": [series([7.9], pod=pod) for pod in pods],
    }


@pytest.mark.parametrize(
    ("width", "without"),
    [(160, ()), (120, ("NODE",)), (95, ("NODE", "CPUS")), (80, ("NODE", "CPUS", "GPU MEMORY"))],
)
def test_a_narrow_terminal_omits_columns_and_cuts_none(width: int, without: tuple[str, ...]) -> None:
    shown = lines(terminal(width, 24), full(2))
    titles = next(line for line in shown if line.startswith("WORKER"))
    assert re.split("  +| (?=RANK|NODE|COMP|SLOW|GPU$|CPUS|IN|OUT)", titles) == [
        title for title in TITLES if title not in without
    ]
    assert all(len(line) <= width and "…" not in line for line in shown)


def test_the_slowest_ranks_are_shown_if_there_are_more_than_rows() -> None:
    shown = lines(terminal(80, 24), full(100), notice="not updated since 10:00:00: no Prometheus answers")
    assert len(shown) == 24
    assert shown[3].split()[0] == "99"
    assert shown[-1] == "and 80 faster ranks; --once shows all"


def test_numbers_have_three_digits() -> None:
    speeds = {**ANSWERS, "received": [series([999.6 * 2**20], pod="gpt-worker-0")]}
    assert "0.976 GiB/s" in lines(terminal(200, 24), speeds)[3]
