"""What a recording rule and an alert are."""

from dataclasses import dataclass
from typing import Literal

BY_JOB, ON_JOB = "by (namespace, training_job)", "on (namespace, training_job)"
"""Aggregated by these, what is told stays the same series when another pod comes to tell it."""


@dataclass(frozen=True, kw_only=True)
class RecordingRule:
    """A series that is computed from others, named level:metric:operation."""

    record: str
    expr: str
    help: str


@dataclass(frozen=True, kw_only=True)
class AlertingRule:
    """What somebody should hear of. `summary` may use Prometheus' templates."""

    name: str
    expr: str
    for_duration: str
    """How long the expression must hold."""
    severity: Literal["warning", "critical"]
    summary: str
    """One line, with the labels that say where."""
    meaning: str
    """What is wrong, for the runbook."""
    diagnosis: str
    """The command or query that shows more."""
    mitigation: str
    """What to do."""
