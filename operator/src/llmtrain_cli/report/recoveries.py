"""The recoveries of a training, and what they cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmtrain_api.protocol import RECOVERY_PHASES
from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.history import History

Points = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class RecoveryGroup:
    """What was told at once: mostly one recovery."""

    at: float
    """When it was told, in seconds since 1970."""
    method: str
    """What it took."""
    count: int
    seconds: Mapping[str, float]
    """What they cost together, by part."""


def recoveries(history: History) -> list[RecoveryGroup]:
    """Return all recoveries in the order of time."""
    costs = {
        key: dict(_growth(points))
        for key, points in _told(history.series["recovery_seconds"], "instance", "method", "phase").items()
    }
    found = []
    for (instance, method), points in _told(history.series["recoveries"], "instance", "method").items():
        parts = {part: costs.get((instance, method, part), {}) for part in RECOVERY_PHASES}
        found += [
            RecoveryGroup(
                at=at,
                method=method,
                count=round(count),
                seconds={name: cost[at] for name, cost in parts.items() if at in cost},
            )
            for at, count in _growth(points)
            if count > 0
        ]
    return sorted(found, key=lambda one: (one.at, one.method))


def _told(series: Sequence[Series], *labels: str) -> dict[tuple[str, ...], Points]:
    """Return what was told by some labels, in the order of time: an instance may be scraped for two jobs of Prometheus."""
    told: dict[tuple[str, ...], Points] = {}
    for one in series:
        key = tuple(one.labels.get(name, "") for name in labels)
        told[key] = sorted([*told.get(key, []), *one.points])
    return told


def _growth(points: Points) -> Points:
    """Return by how much a counter grew up to each point, from 0 on and anew wherever it fell: a coordinator began anew."""
    before = [0.0, *(value for _, value in points)]
    return [(at, value - old if value >= old else value) for old, (at, value) in zip(before, points, strict=False)]
