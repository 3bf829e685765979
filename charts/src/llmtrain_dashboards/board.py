"""What a dashboard consists of. Units are Grafana's: s, percentunit (a ratio), bytes, short."""

from dataclasses import dataclass
from typing import Literal

Steps = tuple[tuple[float, str], ...]
"""From which value on which colour; below the first it is green."""
RATE = "[$__rate_interval]"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One expression; the legend may use labels, as in {{rung}}."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question and its answer."""

    title: str
    help: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["stat", "lines", "stack"] = "lines"
    steps: Steps = ()
    base: str = "green"
    """The colour below the first step."""


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


@dataclass(frozen=True, kw_only=True)
class Board:
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


def stat(title: str, help: str, unit: str, expr: str, *steps: tuple[float, str], base: str = "green") -> Panel:
    """Return a panel of one number."""
    return Panel(title=title, help=help, unit=unit, queries=(Query(expr=expr),), kind="stat", steps=steps, base=base)


def lines(title: str, help: str, unit: str, **exprs: str) -> Panel:
    """Return a panel of lines by legend; an underscore in a legend is read as a space."""
    queries = tuple(Query(expr=expr, legend=legend.replace("_", " ")) for legend, expr in exprs.items())
    return Panel(title=title, help=help, unit=unit, queries=queries)


def by(title: str, help: str, unit: str, expr: str, legend: str, *, stack: bool = False) -> Panel:
    """Return a panel with a line for each series of one expression."""
    queries = (Query(expr=expr, legend=legend),)
    return Panel(title=title, help=help, unit=unit, queries=queries, kind="stack" if stack else "lines")
