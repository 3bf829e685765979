"""What a stage of a job decides, before it becomes a plan: conditions, objects, deletions."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from llmtrain_api.conditions import Condition, JobCondition, Reason, set_condition
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event, ObjectReference


@dataclass(frozen=True, kw_only=True)
class ConditionUpdate:
    """One condition that a stage sets."""

    type: JobCondition
    status: bool
    reason: Reason
    message: str


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """What a stage decides."""

    stage: str
    """The new `status.stage`."""
    conditions: tuple[ConditionUpdate, ...] = ()
    desired: tuple[Manifest, ...] = ()
    """Objects that must exist; they are applied only where they are missing or differ."""
    delete: tuple[ObjectReference, ...] = ()
    events: tuple[Event, ...] = ()
    update: dict[str, Any] = field(default_factory=dict)
    """Fields of the status that change."""
    requeue_after: timedelta | None = None
    """When to reconcile again if nothing changes before."""


def update_conditions(
    conditions: list[Condition], updates: tuple[ConditionUpdate, ...], *, now: datetime, metadata_generation: int
) -> list[Condition]:
    """Return `conditions` with `updates` applied; `metadata_generation` is that of the spec they were decided on."""
    updated = tuple(conditions)
    for update in updates:
        updated = set_condition(
            updated,
            update.type,
            update.status,
            update.reason,
            update.message,
            now=format_rfc3339(now),
            metadata_generation=metadata_generation,
        )
    return list(updated)
