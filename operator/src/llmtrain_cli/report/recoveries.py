"""The recoveries of a training, and their cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmtrain_api.recovery_record import RECOVERY_PHASES
from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.history import History

Points = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class RecoveryGroup:
    """The recoveries of one method that one scrape found; in most cases a single one."""

    at: float
    """Time of the scrape, in seconds since 1970."""
    method: str
    count: int
    seconds: Mapping[str, float]
    """Cost of all of them, by phase."""


def recoveries(history: History) -> list[RecoveryGroup]:
    """Return all recoveries in time order."""
    costs = {
        key: dict(_increases(points))
        for key, points in _by_labels(history.series["recovery_seconds"], "instance", "method", "phase").items()
    }
    groups = []
    for (instance, method), points in _by_labels(history.series["recoveries"], "instance", "method").items():
        cost_by_phase = {phase: costs.get((instance, method, phase), {}) for phase in RECOVERY_PHASES}
        groups += [
            RecoveryGroup(
                at=at,
                method=method,
                count=round(count),
                seconds={phase: cost[at] for phase, cost in cost_by_phase.items() if at in cost},
            )
            for at, count in _increases(points)
            if count > 0
        ]
    return sorted(groups, key=lambda group: (group.at, group.method))


def _by_labels(series: Sequence[Series], *labels: str) -> dict[tuple[str, ...], Points]:
    """Return the points by some labels, in time order: one instance can be scraped by two jobs of Prometheus."""
    points: dict[tuple[str, ...], Points] = {}
    for each in series:
        key = tuple(each.labels.get(name, "") for name in labels)
        points[key] = sorted([*points.get(key, []), *each.points])
    return points


def _increases(points: Points) -> Points:
    """Return a counter's increase up to each point, the first from 0; a decrease is a reset, as in PromQL."""
    before = [0.0, *(value for _, value in points)]
    return [(at, value - old if value >= old else value) for old, (at, value) in zip(before, points, strict=False)]
