"""What is drawn of a training: pure, from its history to plotly's figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

import plotly.graph_objects as go
from plotly.colors import qualitative

from llmtrain_api.protocol import RECOVERY_PHASES
from llmtrain_cli.natural_sort import natural_key
from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.history import History
from llmtrain_cli.report.recoveries import RecoveryGroup, recoveries

COLOURS = {
    "stepping": "#2e7d32",
    "checkpoint": "#1565c0",
    "evaluating": "#00838f",
    "compiling": "#6a1b9a",
    "queued": "#bdbdbd",
    "starting": "#9e9e9e",
    "waiting": "#f9a825",
    "recovering": "#c62828",
    "replaying": "#ef6c00",
}
"""Of each kind of second: what serves the training is cool, what is lost is warm."""

MOST_LINES = 12
"""Of one chart, each in a colour of its own: nobody tells more apart."""
MOST_MINUTES = 300
"""What is longer is drawn over hours."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One figure, or why there is none; below it may be a table, whose first row has the titles."""

    key: str
    title: str
    help: str
    figure: Any | None
    missing: str = ""
    table: Sequence[Sequence[str]] = ()


def charts(history: History) -> list[Chart]:
    """Return all charts, in the order of the page."""
    return [
        _loss(history),
        _lines(history, "speed", "Tokens a second", "Of all ranks together.", "tokens_per_second", "tokens/s"),
        _lines(
            history,
            "mfu",
            "MFU",
            "Part of what the chips could do at best.",
            "mfu",
            "ratio",
            missing="No chip of this job is one whose peak is known.",
        ),
        _time(history),
        _ranks(history),
        _lines(
            history,
            "gpu",
            "GPUs busy",
            "Part of the time in which any kernel ran, by pod.",
            "gpu",
            "ratio",
            by="pod",
            missing="Nobody told of a GPU of this job.",
        ),
        _lines(
            history,
            "gpu-memory",
            "GPU memory",
            "By pod.",
            "gpu_memory",
            "bytes",
            by="pod",
            missing="Nobody told of a GPU of this job.",
        ),
        _lines(
            history,
            "cpus",
            "CPUs busy",
            "By pod.",
            "cpus",
            "CPUs",
            by="pod",
            missing="No node agent told of this job's pods.",
        ),
        _lines(
            history,
            "memory",
            "Memory",
            "What can't be reclaimed, by pod.",
            "memory",
            "bytes",
            by="pod",
            missing="No node agent told of this job's pods.",
        ),
        _lines(
            history,
            "network",
            "Network",
            "Received and sent together, by pod.",
            "network",
            "bytes/s",
            by="pod",
            missing="No node agent told of this job's pods.",
        ),
    ]


def _lines(
    history: History,
    key: str,
    title: str,
    help: str,
    name: str,
    unit: str,
    *,
    by: str = "",
    missing: str = "Nothing was told.",
) -> Chart:
    series = history.series[name]
    if not series:
        return Chart(key=key, title=title, help=help, figure=None, missing=missing)
    figure = _over_time(history, unit)
    if len(series) > MOST_LINES:
        series = spread(series, by)
    elif by:
        series = sorted(series, key=lambda one: natural_key(one.labels[by]))
    for one in series:
        x, y = _drawn(history, one)
        figure.add_scatter(x=x, y=y, mode="lines", name=one.labels[by] if by else title)
    return Chart(key=key, title=title, help=help, figure=figure)


def spread(series: Sequence[Series], by: str) -> list[Series]:
    """Return the most, the median and the least of many series at each time."""
    told: dict[float, list[float]] = {}
    for one in series:
        for at, value in one.points:
            told.setdefault(at, []).append(value)
    return [
        Series(labels={by: f"{name} of {len(series)}"}, points=tuple((at, chosen(told[at])) for at in sorted(told)))
        for name, chosen in (("most", max), ("median", median), ("least", min))
    ]


def _loss(history: History) -> Chart:
    """Draw the loss over steps: what was done again lies where it belongs."""
    steps = {at: value for one in history.series["step"] for at, value in one.points}
    figure = _figure("step", "nats a token")
    curves = [("loss", "training", one.points) for one in history.series["loss"]]
    curves += [("held_out_loss", "held out", news(one)) for one in history.series["held_out_loss"]]
    for name, legend, told in curves:
        points = sorted((steps[at], value) for at, value in told if at in steps)
        if points:
            x, y = zip(*points, strict=True)
            figure.add_scatter(x=x, y=y, mode="lines" if name == "loss" else "lines+markers", name=legend)
    help = "Of the training text, and of text that is held out."
    if not figure.data:
        return Chart(key="loss", title="Loss", help=help, figure=None, missing="The job did no step.")
    return Chart(key="loss", title="Loss", help=help, figure=figure)


def news(one: Series) -> tuple[tuple[float, float], ...]:
    """Return the points at which a series says another thing than before: what is evaluated is told until the next time."""
    return (*one.points[:1], *(after for before, after in pairwise(one.points) if after[1] != before[1]))


def _time(history: History) -> Chart:
    """Draw what each stretch of time went into: from one word of the account to the next, however long that took."""
    figure, unit_seconds = _over_time(history, "part of the time"), _unit(history)[1]
    grown = {one.labels["category"]: _increases(one) for one in history.series["seconds"]}
    grown = {kind: increases for kind, increases in grown.items() if any(seconds > 0 for _, seconds in increases)}
    spent: dict[float, float] = {}
    for increases in grown.values():
        for at, seconds in increases:
            spent[at] = spent.get(at, 0.0) + seconds
    ends = sorted(at for at, seconds in spent.items() if seconds > 0)
    begins = dict(zip(ends, [history.life.start, *ends], strict=False))
    for kind, increases in sorted(grown.items(), key=lambda item: list(COLOURS).index(item[0])):
        told = [(begins[at], at, seconds / spent[at]) for at, seconds in increases if at in begins]
        x = [(begin - history.life.start) / unit_seconds for begin, _, _ in told]
        width = [(end - begin) / unit_seconds for begin, end, _ in told]
        parts = [part for _, _, part in told]
        figure.add_bar(x=x, width=width, offset=0, y=parts, name=kind, marker_color=COLOURS[kind], marker_line_width=0)
    figure.update_layout(barmode="stack")
    return Chart(key="time", title="Where the time went", help="Every second is of exactly one kind.", figure=figure)


def _ranks(history: History) -> Chart:
    figure = _over_time(history, "ranks")
    for name, legend in (("ranks", "live"), ("wanted", "wanted")):
        for one in history.series[name]:
            x, y = _drawn(history, one)
            figure.add_scatter(x=x, y=y, mode="lines", line_shape="hv", name=legend)
    found = recoveries(history)
    for recovery in found:
        told = (recovery.at - history.life.start) / _unit(history)[1]
        figure.add_vline(x=told, line_dash="dot", line_color="#c62828", line_width=1)
    help = "Those that live and those that are wanted. A dotted line is where a recovery was told"
    help += "; the table says what it took, and the seconds it cost." if found else "; there was none."
    return Chart(key="ranks", title="Ranks and recoveries", help=help, figure=figure, table=_table(found))


def _table(found: Sequence[RecoveryGroup]) -> list[list[str]]:
    titles = ["told (UTC)", "method", "recoveries", *(f"{part}, s" for part in RECOVERY_PHASES), "in all, s"]
    rows = [
        [
            datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            one.method,
            str(one.count),
            *(f"{one.seconds[part]:.1f}" if part in one.seconds else "-" for part in RECOVERY_PHASES),
            f"{sum(one.seconds.values()):.1f}" if one.seconds else "-",
        ]
        for one in found
    ]
    return [titles, *rows] if rows else []


def _increases(one: Series) -> list[tuple[float, float]]:
    """Return by how much a counter grew up to each point; the first may have told of a time before."""
    pairs = zip(one.points, one.points[1:], strict=False)
    return [(at, max(0.0, after - before)) for (_, before), (at, after) in pairs]


def _unit(history: History) -> tuple[str, float]:
    """Return the unit that times are drawn in, and its seconds."""
    minutes = (history.life.end - history.life.start) / 60
    return ("hours", 3600.0) if minutes > MOST_MINUTES else ("minutes", 60.0)


def _drawn(history: History, one: Series) -> tuple[list[float], list[float]]:
    unit_seconds = _unit(history)[1]
    return [(at - history.life.start) / unit_seconds for at, _ in one.points], [value for _, value in one.points]


def _over_time(history: History, y: str) -> Any:
    """Return an empty figure of the whole training, as wide as all others, so that they can be compared."""
    unit, unit_seconds = _unit(history)
    figure = _figure(unit, y)
    figure.update_xaxes(range=[0, (history.life.end - history.life.start) / unit_seconds])
    return figure


def _figure(x: str, y: str) -> Any:
    figure = go.Figure()
    figure.update_layout(
        template="plotly_white",
        height=320,
        margin={"l": 70, "r": 40, "t": 10, "b": 45},
        showlegend=True,
        modebar={"orientation": "v"},
        colorway=[*qualitative.Plotly, "#444444", "#a0522d"],
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        font={"family": "system-ui, sans-serif", "size": 12},
    )
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y, rangemode="tozero", exponentformat="SI", automargin=False)
    return figure
