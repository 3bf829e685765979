"""What the catalogue says of one metric. Base units; ratios are 0 to 1; labels are bounded."""

from dataclasses import dataclass
from typing import Literal

JOB_LABELS = ("namespace", "training_job")
"""Not `job`: that label is Prometheus' own, for what it scrapes."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric as Prometheus sees it."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...] = JOB_LABELS


def declared(names: dict[str, object]) -> tuple[Metric, ...]:
    """Return the metrics among a module's names, in their order."""
    return tuple(value for value in names.values() if isinstance(value, Metric))
