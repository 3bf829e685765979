"""The headline and the table of a job's ranks, fitted to the terminal."""

import contextlib
from collections.abc import Collection, Sequence

from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from llmtrain_cli.prometheus import JobName
from llmtrain_cli.top.ranks import Answers, Row, rows

UNLIMITED_WIDTH = 1000
"""Columns where no terminal limits them."""
TITLES = ("WORKER", "RANK", "NODE", "COMPUTE", "SLOWNESS", "GPU", "GPU MEMORY", "CPUS", "MEMORY", "IN", "OUT")
OPTIONAL = ("NODE", "CPUS", "GPU MEMORY", "SLOWNESS")
"""Columns that a narrow terminal omits, in this order."""
STRAGGLER_SLOWNESS = 1.5


def screen(job_name: JobName, answers: Answers, notice: str, console: Console) -> Group:
    """Return what fits on a terminal: the slowest ranks if there are more than rows."""
    above = [Text(headline(job_name, answers)), Text(notice)]
    used = sum(len(console.render_lines(line)) for line in above)
    ranks, free = rows(job_name, answers), max(1, console.height - used - 2)
    if len(ranks) <= free:
        return Group(*above, fitting(ranks, console))
    slowest = sorted(ranks, key=lambda row: -row.slowness)[:free]
    return Group(*above, fitting(slowest, console), Text(f"and {len(ranks) - free} faster ranks; --once shows all"))


def fitting(ranks: Sequence[Row], console: Console) -> Table:
    """Return the table with as many columns as fit into the terminal."""
    unlimited = console.options.update(max_width=UNLIMITED_WIDTH)
    for count in range(len(OPTIONAL) + 1):
        candidate = table(ranks, without=OPTIONAL[:count])
        if Measurement.get(console, unlimited, candidate).maximum <= console.width:
            break
    return candidate


def headline(job_name: JobName, answers: Answers) -> str:
    """Return the job's progress in one line, without the values that are missing."""
    values = {name: series[0].value for name, series in answers.items() if series and name != "compute"}
    fields = [f"{job_name.namespace}/{job_name.name}"]
    for text in (
        "step {step:.0f}/{steps:.0f}",
        "loss {loss:.3f}",
        "{tokens:,.0f} tokens/s",
        "MFU {mfu:.0%}",
        "goodput {goodput:.1%}",
        "ranks {ranks:.0f}/{desired:.0f}",
        "recoveries {recoveries:.0f}",
        "checkpoint {checkpoint:.0f} s old",
    ):
        with contextlib.suppress(KeyError):  # a coordinator can start or exit between two queries
            fields.append(text.format(**values))
    return "  ".join(fields)


def table(ranks: Sequence[Row], without: Collection[str] = ()) -> Table:
    """Return the table of ranks; stragglers are red."""
    ranks_table = Table(box=None, pad_edge=False, header_style="bold")
    titles = [title for title in TITLES if title not in without]
    for title in titles:
        ranks_table.add_column(title, justify="left" if title == "NODE" else "right", no_wrap=True)
    for row in ranks:
        cells = dict(zip(TITLES, _cells(row), strict=True))
        style = "red" if row.slowness > STRAGGLER_SLOWNESS else None
        ranks_table.add_row(*(cells[title] for title in titles), style=style)
    return ranks_table


def _cells(row: Row) -> tuple[str, ...]:
    limit = f"/{_bytes(row.memory_limit)}" if row.memory_limit is not None else ""
    return (
        str(row.worker),
        str(row.rank),
        row.node or "-",
        f"{row.compute_seconds * 1000:,.0f} ms",
        f"{row.slowness:.2f}",
        "-" if row.gpu is None else f"{row.gpu:.0%}",
        _bytes(row.gpu_memory),
        "-" if row.cpus is None else f"{row.cpus:.2f}",
        f"{_bytes(row.memory)}{limit}",
        _bytes_per_second(row.received),
        _bytes_per_second(row.sent),
    )


def _bytes(number: float | None) -> str:
    if number is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 999.5:  # a number of four digits moves to the next unit
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} TiB"


def _bytes_per_second(number: float | None) -> str:
    return "-" if number is None else f"{_bytes(number)}/s"
