"""The table in docs/benchmarks.md: a line for each row, in their order. What is measured replaces the line of its row."""

from itertools import takewhile
from pathlib import Path

from bench_tasks.row import Measured
from bench_tasks.rows import BY_NAME
from llmtrain_kind.paths import REPOSITORY
from llmtrain_trainer.atomic_directory import atomic_write

BENCHMARKS = REPOSITORY / "docs" / "benchmarks.md"
HEADER = "| Row | Task | Data | Model | Samples | Seconds | Score | Bound | Methods without a network | Measured |"
RULE = "|---|---|---|---|---|---|---|---|---|---|"


def update(page: Path, measured: Measured) -> None:
    """Replace the line of one row in the page."""
    atomic_write(page, with_line(page.read_text(encoding="utf-8"), measured))


def with_line(text: str, measured: Measured) -> str:
    """Return the text of a page whose table has the line of a row, new or instead of the old one.

    Lines of rows that no longer exist are left out.
    """
    before, table, after = text.partition(f"{HEADER}\n{RULE}\n")
    if not table:
        raise ValueError(f"the page has no table with the header {HEADER}")
    body = list(takewhile(lambda line: line.startswith("|"), after.splitlines(keepends=True)))
    lines = {line.split("`")[1]: line for line in body} | {measured.row.name: f"{line_of(measured)}\n"}
    return before + table + "".join(lines[name] for name in BY_NAME if name in lines) + after[len("".join(body)) :]


def line_of(measured: Measured) -> str:
    """Return the line of a row."""
    row = measured.row
    shortness = "" if measured.reached else ", short"
    cells = (
        f"`{row.name}`",
        row.task,
        f"`{row.data}`",
        f"`{row.model}`",
        f"{measured.samples:,}" if measured.samples else "-",
        f"{measured.seconds:,.0f}",
        f"{row.score} {_score(measured)}",
        f"{row.sign} {row.bound:g}{shortness}",
        ", ".join(f"{each.method} {each.scores[row.score]:.3f}" for each in measured.baselines) or "-",
        measured.day.isoformat(),
    )
    return f"| {' | '.join(cells)} |"


def _score(measured: Measured) -> str:
    score = measured.score
    interval = "" if score.low is None else f" ({score.low:.3f} to {score.high:.3f})"
    return f"**{score.value:.3f}**{interval}"
