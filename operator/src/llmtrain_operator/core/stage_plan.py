"""What a stage of a job decides, before it becomes a plan: conditions, objects, deletions."""

from dataclasses import dataclass, field, replace
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
    poll_after: timedelta | None = None
    """When to ask the coordinator again; None if its answer is not waited for."""


def update_conditions(
    conditions: list[Condition], updates: tuple[ConditionUpdate, ...], *, now: datetime, metadata_generation: int
) -> list[Condition]:
    """Return `conditions` with `updates` applied; `metadata_generation` is that of the spec they were decided on.

    Of several updates of one type the last one counts, and the others leave no trace in the transition time.
    """
    updated = tuple(conditions)
    for update in {update.type: update for update in updates}.values():
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


def with_cause(condition: ConditionUpdate, reason: Reason, text: str) -> ConditionUpdate:
    """Return a condition that says why pods are missing: in place of a mere "waiting", or beside another cause."""
    if condition.status or condition.type not in (JobCondition.SCHEDULED, JobCondition.RUNNING, JobCondition.SUSPENDED):
        return condition
    if condition.reason == Reason.WAITING:
        return replace(condition, reason=reason, message=f"{condition.message}: {text}")
    return replace(condition, message=f"{condition.message}; {text}")
