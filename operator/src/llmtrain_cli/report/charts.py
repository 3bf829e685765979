"""What is drawn of a training: pure, from its history to plotly's figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.history import History

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


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One figure, or why there is none."""

    key: str
    title: str
    help: str
    figure: Any | None
    missing: str = ""


def charts(history: History) -> list[Chart]:
    """Return all charts, in the order of the page."""
    return [
        _loss(history),
        _lines(history, "speed", "Tokens a second", "Of all ranks together.", "tokens_per_second", "tokens/s"),
        _lines(history, "mfu", "MFU", "Part of what the chips could do at best.", "mfu", "ratio", missing="No chip of this job is one whose peak is known."),
        _time(history),
        _ranks(history),
        _lines(history, "gpu", "GPUs busy", "Part of the time in which any kernel ran, by pod.", "gpu", "ratio", by="pod", missing="Nobody told of a GPU of this job."),
        _lines(history, "gpu-memory", "GPU memory", "By pod.", "gpu_memory", "bytes", by="pod", missing="Nobody told of a GPU of this job."),
        _lines(history, "cpus", "CPUs busy", "By pod.", "cpus", "CPUs", by="pod", missing="No node agent told of this job's pods."),
        _lines(history, "memory", "Memory", "What can't be reclaimed, by pod.", "memory", "bytes", by="pod", missing="No node agent told of this job's pods."),
        _lines(history, "network", "Network", "Received and sent together, by pod.", "network", "bytes/s", by="pod", missing="No node agent told of this job's pods."),
    ]  # fmt: skip


def _lines(
    history: History, key: str, title: str, help: str, name: str, unit: str, *, by: str = "", missing: str = "Nothing was told."
) -> Chart:  # fmt: skip
    series = history.series[name]
    if not series:
        return Chart(key=key, title=title, help=help, figure=None, missing=missing)
    figure = _figure("minutes", unit)
    for one in sorted(series, key=lambda one: one.labels.get(by, "")):
        x, y = _over_time(history, one)
        figure.add_scatter(x=x, y=y, mode="lines", name=one.labels.get(by, title) if by else title)
    return Chart(key=key, title=title, help=help, figure=figure)


def _loss(history: History) -> Chart:
    """Draw the loss over steps: what was done again lies where it belongs."""
    steps = {at: value for one in history.series["step"] for at, value in one.points}
    figure = _figure("step", "nats a token")
    for name, legend in (("loss", "training"), ("held_out_loss", "held out")):
        points = sorted((steps[at], value) for one in history.series[name] for at, value in one.points if at in steps)
        if points:
            x, y = zip(*points, strict=True)
            figure.add_scatter(x=x, y=y, mode="lines" if name == "loss" else "lines+markers", name=legend)
    help = "Of the training text, and of text that is held out."
    if not figure.data:
        return Chart(key="loss", title="Loss", help=help, figure=None, missing="The job did no step.")
    return Chart(key="loss", title="Loss", help=help, figure=figure)


def _time(history: History) -> Chart:
    """Draw what each stretch of time went into: from one word of the account to the next, however long that took."""
    figure = _figure("minutes", "part of the time")
    grown = {one.labels["kind"]: _increases(one) for one in history.series["seconds"] if one.points[-1][1] > 0}
    spent: dict[float, float] = {}
    for increases in grown.values():
        for at, seconds in increases:
            spent[at] = spent.get(at, 0.0) + seconds
    ends = sorted(at for at, seconds in spent.items() if seconds > 0)
    begins = dict(zip(ends, [history.start, *ends], strict=False))
    for kind, increases in sorted(grown.items(), key=lambda item: list(COLOURS).index(item[0])):
        told = [(begins[at], at, seconds / spent[at]) for at, seconds in increases if at in begins]
        x = [(begin - history.start) / 60 for begin, _, _ in told]
        width = [(end - begin) / 60 for begin, end, _ in told]
        parts = [part for _, _, part in told]
        figure.add_bar(x=x, width=width, offset=0, y=parts, name=kind, marker_color=COLOURS[kind], marker_line_width=0)
    figure.update_layout(barmode="stack")
    return Chart(key="time", title="Where the time went", help="Every second is of exactly one kind.", figure=figure)


def _ranks(history: History) -> Chart:
    figure = _figure("minutes", "ranks")
    for name, legend in (("ranks", "live"), ("wanted", "wanted")):
        for one in history.series[name]:
            x, y = _over_time(history, one)
            figure.add_scatter(x=x, y=y, mode="lines", line_shape="hv", name=legend, connectgaps=False)
    for at, rung in recoveries(history.series["recoveries"]):
        figure.add_vline(x=(at - history.start) / 60, line_dash="dot", line_color="#c62828", annotation_text=rung)
    help = "Those that live and those that are wanted; a dotted line is a recovery, named by what it took."
    return Chart(key="ranks", title="Ranks and recoveries", help=help, figure=figure)


def recoveries(series: Sequence[Series]) -> list[tuple[float, str]]:
    """Return when a recovery was told of, and its rung."""
    found = []
    for one in series:
        before = 0.0
        for at, count in one.points:
            if count > before:
                found.append((at, one.labels["rung"]))
            before = count
    return sorted(found)


def _increases(one: Series) -> list[tuple[float, float]]:
    """Return by how much a counter grew up to each point; the first may have told of a time before."""
    pairs = zip(one.points, one.points[1:], strict=False)
    return [(at, max(0.0, after - before)) for (_, before), (at, after) in pairs]


def _over_time(history: History, one: Series) -> tuple[list[float], list[float]]:
    return [(at - history.start) / 60 for at, _ in one.points], [value for _, value in one.points]


def _figure(x: str, y: str) -> Any:
    figure = go.Figure()
    figure.update_layout(
        template="plotly_white", height=320, margin={"l": 60, "r": 20, "t": 10, "b": 45}, showlegend=True,
        legend={"orientation": "h", "y": 1.12}, font={"family": "system-ui, sans-serif", "size": 12},
    )  # fmt: skip
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y, rangemode="tozero", exponentformat="SI")
    return figure
