"""Draws a dashboard's panels from a Prometheus' answers, so that a dashboard can be inspected without Grafana."""

import re
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llmtrain_cli.prometheus import Prometheus, Series
from llmtrain_dashboards.dashboard import Dashboard, Panel

POINTS = 240
MAX_LEGENDS = 10
"""More lines than this are drawn without names."""
Answers = Mapping[str, list[tuple[str, Series]]]
"""The series of each panel with their legends, by the panel's title."""


def query_panels(
    board: Dashboard, prometheus: Prometheus, variables: Mapping[str, str], *, start: float, end: float
) -> dict[str, list[tuple[str, Series]]]:
    """Return the series of every panel of a board between two times, in seconds since 1970."""
    return {
        panel.title: [
            (legend(query.legend or panel.title, series), series)
            for query in panel.queries
            for series in prometheus.query_range(
                filled(query.expr, variables), start=start, end=end, step=max(1.0, (end - start) / POINTS)
            )
            if any(value == value for _, value in series.points)  # some value is not NaN
        ]
        for panel in board.panels
    }


def filled(expression: str, variables: Mapping[str, str]) -> str:
    """Return an expression with Grafana's variables replaced."""
    return re.sub(r"\$(\w+)", lambda found: variables[found.group(1)], expression)


def legend(template: str, series: Series) -> str:
    """Return a legend with its labels replaced, as Grafana does."""
    return re.sub(r"{{(\w+)}}", lambda found: series.labels.get(found.group(1), ""), template)


def draw(board: Dashboard, answers: Answers, path: Path) -> None:
    """Write a board as a picture."""
    heights = [1 if all(panel.kind == "stat" for panel in row.panels) else 2 for row in board.rows]
    figure = Figure(figsize=(20, 2.2 * sum(heights)), layout="constrained")
    parts = figure.subfigures(len(board.rows), 1, height_ratios=heights, squeeze=False)
    for (part,), row in zip(parts, board.rows, strict=True):
        part.suptitle(row.title, x=0.01, ha="left", fontweight="bold")
        for axes, panel in zip(part.subplots(1, len(row.panels), squeeze=False)[0], row.panels, strict=True):
            axes.set_title(panel.title, fontsize=9)
            _draw_panel(axes, panel, answers[panel.title])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def _draw_panel(axes: Axes, panel: Panel, answers: list[tuple[str, Series]]) -> None:
    if not answers or panel.kind == "stat":
        axes.set_axis_off()
        text = "  ".join(readable(series.value, panel.unit) for _, series in answers[:3]) or "no data"
        colour = colour_of(panel, answers[0][1].value) if answers else "grey"
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=22 if answers else 10, color=colour)
        return
    first = min(series.points[0][0] for _, series in answers)
    if panel.kind == "stack":
        times = sorted({time for _, series in answers for time, _ in series.points})
        heights = [[dict(series.points).get(time, 0.0) for time in times] for _, series in answers]
        axes.stackplot([time - first for time in times], heights, labels=[name for name, _ in answers], alpha=0.6)
    else:
        for name, series in answers:
            times, values = zip(*series.points, strict=True)
            axes.plot([time - first for time in times], values, label=name, linewidth=1)
    axes.tick_params(labelsize=7)
    axes.set_ylim(bottom=0)
    if len(answers) <= MAX_LEGENDS:
        axes.legend(fontsize=6, loc="upper left")


def colour_of(panel: Panel, value: float) -> str:
    """Return the colour that a value has by the panel's thresholds."""
    return next((colour for at_least, colour in reversed(panel.thresholds) if value >= at_least), panel.base)


def readable(value: float, unit: str) -> str:
    """Return a value with its unit, for display."""
    return f"{value:.1%}" if unit == "percentunit" else f"{value:,.3g} {unit if unit == 's' else ''}".strip()
