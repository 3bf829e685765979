"""The parts of a dashboard. Units are Grafana's: s, percentunit (a ratio), bytes, short."""

from dataclasses import dataclass
from typing import Literal

Thresholds = tuple[tuple[float, str], ...]
"""Values from which a stat has a colour, in increasing order."""
RATE = "[$__rate_interval]"
NO_DATA = "no data"
"""Text of a stat without a value: a green 0 would be wrong."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One expression; the legend can use labels, as in {{method}}."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Link:
    """The target of a click on a series; the URL can use its labels, as in ${__field.labels.node}."""

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One chart or number."""

    title: str
    help: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["stat", "lines", "stack"] = "lines"
    thresholds: Thresholds = ()
    base: str = "green"
    """Colour below the first threshold."""
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels side by side, under a title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A drop-down list above the panels, filled by a query of label values."""

    name: str
    label: str
    query: str
    multi: bool = True
    """Whether several values can be selected."""
    all_matches_any: bool = True
    """Whether "All" matches any value, including none, instead of the values of the query."""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Return the panels of all rows."""
        return tuple(panel for row in self.rows for panel in row.panels)


def stat_panel(
    title: str, help: str, unit: str, expr: str, *thresholds: tuple[float, str], base: str = "green"
) -> Panel:
    """Return a panel of one current number. Use `or vector(0)` only where a missing series means 0."""
    queries = (Query(expr=expr),)
    return Panel(title=title, help=help, unit=unit, queries=queries, kind="stat", thresholds=thresholds, base=base)


def lines_panel(title: str, help: str, unit: str, **exprs: str) -> Panel:
    """Return a panel with a line for each legend; underscores in legends become spaces."""
    queries = tuple(Query(expr=expr, legend=legend.replace("_", " ")) for legend, expr in exprs.items())
    return Panel(title=title, help=help, unit=unit, queries=queries)


def series_panel(
    title: str, help: str, unit: str, expr: str, legend: str, *, stack: bool = False, link: Link | None = None
) -> Panel:
    """Return a panel with a line for each series of one expression."""
    queries = (Query(expr=expr, legend=legend),)
    return Panel(title=title, help=help, unit=unit, queries=queries, kind="stack" if stack else "lines", link=link)


def link(title: str, uid: str, *labels: str) -> Link:
    """Return a link to another dashboard, which selects a series' labels and keeps the time range and the data source."""
    chosen = "".join(f"&var-{label}=${{__field.labels.{label}}}" for label in labels)
    return Link(title=title, url=f"/d/{uid}?${{__url_time_range}}&var-datasource=${{datasource}}{chosen}")
