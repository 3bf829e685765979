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
        rung = one.labels["rung"]
        parts = {
            part.labels["part"]: dict(_growth(part))
            for part in history.series["recovery_seconds"]
            if part.labels["rung"] == rung
        }
        found += [
            Recoveries(
                at=at, rung=rung, count=round(count), seconds={name: grown.get(at, 0.0) for name, grown in parts.items()}
            )
            for at, count in _growth(one)
            if count > 0
        ]  # fmt: skip
    return sorted(found, key=lambda one: (one.at, one.rung))


def _growth(one: Series) -> list[tuple[float, float]]:
    """Return by how much a counter grew up to each point, from 0 on and anew wherever it fell: a coordinator began anew."""
    before = [0.0, *(value for _, value in one.points)]
    return [(at, value - old if value >= old else value) for old, (at, value) in zip(before, one.points, strict=False)]
