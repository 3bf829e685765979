"""The recoveries of a training, and what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.history import History


@dataclass(frozen=True, kw_only=True)
class Recoveries:
    """What was told at once: mostly one recovery."""

    at: float
    """When it was told, in seconds since 1970."""
    rung: str
    """What it took."""
    count: int
    seconds: Mapping[str, float]
    """What they cost together, by part."""


def recoveries(history: History) -> list[Recoveries]:
    """Return all recoveries in the order of time."""
    found = []
    for one in history.series["recoveries"]:
        costs = {
            part.labels["part"]: dict(_growth(part))
            for part in history.series["recovery_seconds"]
            if _teller(part) == _teller(one)
        }
        for at, count in _growth(one):
            if count > 0:
                seconds = {part: grown[at] for part, grown in costs.items() if at in grown}
                found.append(Recoveries(at=at, rung=one.labels["rung"], count=round(count), seconds=seconds))
    return sorted(found, key=lambda one: (one.at, one.rung))


def _teller(one: Series) -> dict[str, str]:
    """Return who tells, and of which rung."""
    return {name: value for name, value in one.labels.items() if name not in ("__name__", "part")}


def _growth(one: Series) -> list[tuple[float, float]]:
    """Return by how much a counter grew up to each point, from 0 on and anew wherever it fell: a coordinator began anew."""
    before = [0.0, *(value for _, value in one.points)]
    return [(at, value - old if value >= old else value) for old, (at, value) in zip(before, one.points, strict=False)]
