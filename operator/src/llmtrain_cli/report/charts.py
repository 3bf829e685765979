"""The charts of the report: pure functions from a training's history to plotly figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

import plotly.graph_objects as go
from plotly.colors import qualitative

from llmtrain_api.recovery_record import RECOVERY_PHASES
from llmtrain_cli.prometheus import Series, sorted_by_label
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
"""Of each time category: cool colours for useful time, warm ones for lost time, grey before the training."""

MAX_LINES = 12
"""Lines of one chart, each in its own colour; more could not be distinguished."""
MAX_MINUTES = 300
"""Longer trainings are drawn over hours."""
NO_GPU = "No GPU metrics of this job."
NO_AGENT = "No node agent exported metrics of this job's pods."


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One figure, or why there is none, and an optional table below it whose first row holds the titles."""

    key: str
    title: str
    help: str
    figure: Any | None
    missing: str = ""
    table: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """A chart of one curve of the history over time."""

    key: str
    title: str
    help: str
    name: str
    """Of the curve in the history."""
    unit: str
    by: str = ""
    """Label that each line is named after."""
    missing: str = "No data."


SPEED = (
    _Curve(key="speed", title="Tokens per second", help="Of all ranks.", name="tokens_per_second", unit="tokens/s"),
    _Curve(
        key="mfu",
        title="MFU",
        help="Model FLOPs utilization: fraction of the GPUs' peak throughput that the model uses.",
        name="mfu",
        unit="ratio",
        missing="The peak throughput of this job's hardware is not known.",
    ),
)
HARDWARE = (
    _Curve(
        key="gpu",
        title="GPU utilization",
        help="Fraction of time in which a kernel ran, by pod.",
        name="gpu",
        unit="ratio",
        by="pod",
        missing=NO_GPU,
    ),
    _Curve(
        key="gpu-memory",
        title="GPU memory",
        help="Memory in use, by pod.",
        name="gpu_memory",
        unit="bytes",
        by="pod",
        missing=NO_GPU,
    ),
    _Curve(key="cpus", title="CPUs in use", help="By pod.", name="cpus", unit="CPUs", by="pod", missing=NO_AGENT),
    _Curve(
        key="memory",
        title="Memory",
        help="Memory that can't be reclaimed, by pod.",
        name="memory",
        unit="bytes",
        by="pod",
        missing=NO_AGENT,
    ),
    _Curve(
        key="network",
        title="Network",
        help="Received and sent, by pod.",
        name="network",
        unit="bytes/s",
        by="pod",
        missing=NO_AGENT,
    ),
)


def charts(history: History) -> list[Chart]:
    """Return all charts, in the order of the page."""
    return [
        _loss(history),
        *(_over_curve(history, curve) for curve in SPEED),
        _time(history),
        _ranks(history),
        *(_over_curve(history, curve) for curve in HARDWARE),
    ]


def _over_curve(history: History, curve: _Curve) -> Chart:
    series = history.series[curve.name]
    if not series:
        return Chart(key=curve.key, title=curve.title, help=curve.help, figure=None, missing=curve.missing)
    figure = _time_figure(history, curve.unit)
    if len(series) > MAX_LINES:
        series = spread(series, curve.by)
    elif curve.by:
        series = sorted_by_label(series, curve.by)
    for each in series:
        x, y = _xy(history, each)
        figure.add_scatter(x=x, y=y, mode="lines", name=each.labels[curve.by] if curve.by else curve.title)
    return Chart(key=curve.key, title=curve.title, help=curve.help, figure=figure)


def spread(series: Sequence[Series], by: str) -> list[Series]:
    """Return the maximum, the median and the minimum of many series at each time."""
    values: dict[float, list[float]] = {}
    for each in series:
        for at, value in each.points:
            values.setdefault(at, []).append(value)
    return [
        Series(
            labels={by: f"{name} of {len(series)}"}, points=tuple((at, aggregate(values[at])) for at in sorted(values))
        )
        for name, aggregate in (("maximum", max), ("median", median), ("minimum", min))
    ]


def _loss(history: History) -> Chart:
    """Draw the loss over steps, so that replayed steps lie at their place."""
    steps = {at: value for each in history.series["step"] for at, value in each.points}
    figure = _figure("step", "loss")
    curves = [("lines", "training", each.points) for each in history.series["loss"]]
    curves += [("lines+markers", "held out", changes(each)) for each in history.series["held_out_loss"]]
    for mode, legend, values in curves:
        points = sorted((steps[at], value) for at, value in values if at in steps)
        if points:
            x, y = zip(*points, strict=True)
            figure.add_scatter(x=x, y=y, mode=mode, name=legend)
    help = "On training data and on held-out data: in nats per token, or the task's loss per sample."
    if not figure.data:
        return Chart(key="loss", title="Loss", help=help, figure=None, missing="The job completed no step.")
    return Chart(key="loss", title="Loss", help=help, figure=figure)


def changes(series: Series) -> tuple[tuple[float, float], ...]:
    """Return the points whose value differs from the one before: an evaluation's result is exported until the next."""
    return (
        *series.points[:1],
        *(after for before, after in pairwise(series.points) if after[1] != before[1]),
    )


def _time(history: History) -> Chart:
    """Draw the share of each time category between two updates of the time ledger, however far apart they are."""
    figure, unit_seconds = _time_figure(history, "fraction of time"), _unit(history)[1]
    grown = {each.labels["category"]: _increases(each) for each in history.series["seconds"]}
    grown = {
        category: increases for category, increases in grown.items() if any(seconds > 0 for _, seconds in increases)
    }
    spent: dict[float, float] = {}
    for increases in grown.values():
        for at, seconds in increases:
            spent[at] = spent.get(at, 0.0) + seconds
    ends = sorted(at for at, seconds in spent.items() if seconds > 0)
    start = history.time_range.start
    begins = dict(zip(ends, [start, *ends], strict=False))
    for category, increases in sorted(grown.items(), key=lambda item: list(COLOURS).index(item[0])):
        spans = [(begins[at], at, seconds / spent[at]) for at, seconds in increases if at in begins]
        figure.add_bar(
            x=[(begin - start) / unit_seconds for begin, _, _ in spans],
            width=[(end - begin) / unit_seconds for begin, end, _ in spans],
            offset=0,
            y=[share for _, _, share in spans],
            name=category,
            marker_color=COLOURS[category],
            marker_line_width=0,
        )
    figure.update_layout(barmode="stack")
    return Chart(key="time", title="Where the time went", help="Every second belongs to one category.", figure=figure)


def _ranks(history: History) -> Chart:
    figure = _time_figure(history, "ranks")
    for name, legend in (("ranks", "live"), ("desired", "desired")):
        for each in history.series[name]:
            x, y = _xy(history, each)
            figure.add_scatter(x=x, y=y, mode="lines", line_shape="hv", name=legend)
    groups = recoveries(history)
    for group in groups:
        at = (group.at - history.time_range.start) / _unit(history)[1]
        figure.add_vline(x=at, line_dash="dot", line_color="#c62828", line_width=1)
    help = "Live and desired ranks. "
    help += "A dotted line marks a recovery; the table has its method and cost." if groups else "No recoveries."
    return Chart(key="ranks", title="Ranks and recoveries", help=help, figure=figure, table=_table(groups))


def _table(groups: Sequence[RecoveryGroup]) -> list[list[str]]:
    titles = ["time (UTC)", "method", "recoveries", *(f"{phase}, s" for phase in RECOVERY_PHASES), "total, s"]
    rows = [
        [
            datetime.fromtimestamp(group.at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            group.method,
            str(group.count),
            *(f"{group.seconds[phase]:.1f}" if phase in group.seconds else "-" for phase in RECOVERY_PHASES),
            f"{sum(group.seconds.values()):.1f}" if group.seconds else "-",
        ]
        for group in groups
    ]
    return [titles, *rows] if rows else []


def _increases(series: Series) -> list[tuple[float, float]]:
    """Return a counter's increase up to each point but the first, whose increase can be older than the chart."""
    pairs = zip(series.points, series.points[1:], strict=False)
    return [(at, max(0.0, after - before)) for (_, before), (at, after) in pairs]


def _unit(history: History) -> tuple[str, float]:
    """Return the unit of the time axis, and its seconds."""
    minutes = (history.time_range.end - history.time_range.start) / 60
    return ("hours", 3600.0) if minutes > MAX_MINUTES else ("minutes", 60.0)


def _xy(history: History, series: Series) -> tuple[list[float], list[float]]:
    unit_seconds = _unit(history)[1]
    times = [(at - history.time_range.start) / unit_seconds for at, _ in series.points]
    return times, [value for _, value in series.points]


def _time_figure(history: History, y: str) -> Any:
    """Return an empty figure over the whole training, as wide as all others, so that charts can be compared."""
    unit, unit_seconds = _unit(history)
    figure = _figure(unit, y)
    figure.update_xaxes(range=[0, (history.time_range.end - history.time_range.start) / unit_seconds])
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
