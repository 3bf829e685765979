"""Types of a recording rule and an alerting rule."""

from dataclasses import dataclass
from typing import Literal

BY_JOB, ON_JOB = "by (namespace, training_job)", "on (namespace, training_job)"
"""Labels of a job's series. Aggregating by them keeps the series when the coordinator's pod is replaced."""


@dataclass(frozen=True, kw_only=True)
class RecordingRule:
    """A series computed from others, named level:metric:operation."""

    record: str
    expr: str
    help: str


@dataclass(frozen=True, kw_only=True)
class AlertingRule:
    """An alert with its runbook."""

    name: str
    expr: str
    for_duration: str
    """How long the expression must hold before the alert fires."""
    severity: Literal["warning", "critical"]
    summary: str
    """One line that names the object by its labels; a Prometheus template."""
    meaning: str
    """Runbook: what the alert means and its impact."""
    diagnosis: str
    """Runbook: commands, queries and panels that show the cause."""
    mitigation: str
    """Runbook: how to resolve it."""
