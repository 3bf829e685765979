"""How a job and its ranks look, as far as the terminal has room."""

import contextlib
from collections.abc import Collection, Sequence

from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from llmtrain_cli.prometheus import JobName
from llmtrain_cli.top.ranks import Answers, Row, rows

WIDE = 1000
"""Columns where no terminal limits them."""
TITLES = ("WORKER", "RANK", "NODE", "WORK", "SLOWNESS", "GPU", "GPU MEMORY", "CPUS", "MEMORY", "IN", "OUT")
DISPENSABLE = ("NODE", "CPUS", "GPU MEMORY", "SLOWNESS")
"""What a narrow terminal does without, the first of them first."""


def screen(of: JobName, answers: Answers, notice: str, console: Console) -> Group:
    """Return what fits on a terminal: of too many ranks the slowest."""
    above = [Text(headline(of, answers)), Text(notice)]
    taken = sum(len(console.render_lines(line)) for line in above)
    ranks, room = rows(of, answers), max(1, console.height - taken - 2)
    if len(ranks) <= room:
        return Group(*above, fitting(ranks, console))
    slowest = sorted(ranks, key=lambda row: -row.slowness)[:room]
    return Group(*above, fitting(slowest, console), Text(f"and {len(ranks) - room} faster ranks; --once shows all"))


def fitting(ranks: Sequence[Row], console: Console) -> Table:
    """Return the table with as many columns as the terminal has room for."""
    endless = console.options.update(max_width=WIDE)
    for many in range(len(DISPENSABLE) + 1):
        made = table(ranks, without=DISPENSABLE[:many])
        if Measurement.get(console, endless, made).maximum <= console.width:
            break
    return made


def headline(of: JobName, answers: Answers) -> str:
    """Return how the job does, in one line."""
    known = {name: found[0].value for name, found in answers.items() if found and name != "work"}
    parts = [f"{of.namespace}/{of.name}"]
    for text in (
        "step {step:.0f}/{steps:.0f}",
        "loss {loss:.3f}",
        "{tokens:,.0f} tokens/s",
        "MFU {mfu:.0%}",
        "goodput {goodput:.1%}",
        "ranks {ranks:.0f}/{wanted:.0f}",
        "recoveries {recoveries:.0f}",
        "checkpoint {checkpoint:.0f} s old",
    ):
        with contextlib.suppress(KeyError):  # a coordinator may come or go between two questions
            parts.append(text.format(**known))
    return "  ".join(parts)


def table(ranks: Sequence[Row], without: Collection[str] = ()) -> Table:
    """Return the table of ranks; a rank that holds up the others is marked."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    shown = [title for title in TITLES if title not in without]
    for title in shown:
        made.add_column(title, justify="left" if title == "NODE" else "right", no_wrap=True)
    for row in ranks:
        words = dict(zip(TITLES, _words(row), strict=True))
        made.add_row(*(words[title] for title in shown), style="red" if row.slowness > 1.5 else None)
    return made


def _words(row: Row) -> tuple[str, ...]:
    limit = f"/{_bytes(row.memory_limit)}" if row.memory_limit is not None else ""
    return (
        str(row.worker),
        str(row.rank),
        row.node or "-",
        f"{row.work_seconds * 1000:,.0f} ms",
        f"{row.slowness:.2f}",
        "-" if row.gpu is None else f"{row.gpu:.0%}",
        _bytes(row.gpu_memory),
        "-" if row.cpus is None else f"{row.cpus:.2f}",
        f"{_bytes(row.memory)}{limit}",
        _speed(row.received),
        _speed(row.sent),
    )


def _bytes(number: float | None) -> str:
    if number is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 999.5:  # what would have four digits is of the next unit
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} TiB"


def _speed(number: float | None) -> str:
    return "-" if number is None else f"{_bytes(number)}/s"
