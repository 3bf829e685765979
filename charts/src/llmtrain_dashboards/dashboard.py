"""What a dashboard consists of. Units are Grafana's: s, percentunit (a ratio), bytes, short."""

from dataclasses import dataclass
from typing import Literal

Thresholds = tuple[tuple[float, str], ...]
"""From which value on which colour; below the first it is green."""
RATE = "[$__rate_interval]"
NO_DATA = "nobody tells"
"""What a number says that has no value: green would be a lie."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One expression; the legend may use labels, as in {{method}}."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Link:
    """Where a click on a series leads; the address may use its labels, as in ${__field.labels.node}."""

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question and its answer."""

    title: str
    help: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["stat", "lines", "stack"] = "lines"
    steps: Thresholds = ()
    base: str = "green"
    """The colour below the first step."""
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels side by side, under a title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice above the panels, filled by a query of label values."""

    name: str
    label: str
    query: str
    many: bool = True
    all_matches_any: bool = True
    """Whether "All" stands for whatever there is, and not for what the query gives."""


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


def stat_panel(title: str, help: str, unit: str, expr: str, *steps: tuple[float, str], base: str = "green") -> Panel:
    """Return a panel of one number, as it is now. An `or vector(0)` belongs only where nothing told means 0."""
    return Panel(title=title, help=help, unit=unit, queries=(Query(expr=expr),), kind="stat", steps=steps, base=base)


def lines(title: str, help: str, unit: str, **exprs: str) -> Panel:
    """Return a panel of lines by legend; an underscore in a legend is read as a space."""
    queries = tuple(Query(expr=expr, legend=legend.replace("_", " ")) for legend, expr in exprs.items())
    return Panel(title=title, help=help, unit=unit, queries=queries)


def series_panel(
    title: str, help: str, unit: str, expr: str, legend: str, *, stack: bool = False, link: Link | None = None
) -> Panel:
    """Return a panel with a line for each series of one expression."""
    queries = (Query(expr=expr, legend=legend),)
    return Panel(title=title, help=help, unit=unit, queries=queries, kind="stack" if stack else "lines", link=link)


def link(title: str, uid: str, *labels: str) -> Link:
    """Return the way to another board, whose variables take a series' labels; time and data source stay."""
    chosen = "".join(f"&var-{label}=${{__field.labels.{label}}}" for label in labels)
    return Link(title=title, url=f"/d/{uid}?${{__url_time_range}}&var-datasource=${{datasource}}{chosen}")
