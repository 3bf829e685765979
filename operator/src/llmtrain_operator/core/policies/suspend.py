"""Suspend and resume: workers stop after a checkpoint; then everything but the volumes is deleted."""

from collections.abc import Mapping
from typing import Any

from llmtrain_api.conditions import JobCondition, Reason, is_true
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.plan import object_references, pod_references
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan

KINDS = ("Service", "PodGroup")
"""Kinds of the objects that are deleted in addition to the pods; the run config stays, as it is immutable."""


def suspend(
    status: JobStatus, *, pods: tuple[PodView, ...], objects: Mapping[ObjectKey, Manifest], lost_nodes: frozenset[str]
) -> StagePlan:
    """Return the stage of a job with `spec.suspend`. The coordinator stops last, because workers leave it first."""
    trainers = tuple(pod for pod in pods if pod.role != "coordinator")
    active = any(pod.phase in ("Pending", "Running") for pod in trainers)
    stopping = pod_references((pod for pod in (trainers if active else pods) if not pod.deleting), lost_nodes)
    stopped = not pods
    message = (
        "suspended; set spec.suspend to false to continue from the last checkpoint"
        if stopped
        else "the pods write a checkpoint and stop"
    )
    reason = Reason.SUSPENDED if stopped else Reason.STOPPING
    return StagePlan(
        stage="Suspended",
        conditions=(
            ConditionUpdate(type=JobCondition.SUSPENDED, status=stopped, reason=reason, message=message),
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=reason, message=message),
            *(
                [ConditionUpdate(type=JobCondition.DEGRADED, status=False, reason=reason, message=message)]
                if is_true(tuple(status.conditions), JobCondition.DEGRADED)
                else []
            ),
        ),
        delete=stopping if active else (*stopping, *object_references(objects, KINDS)),
        update=stopped_fields(status) if stopped else {},
    )


def stopped_fields(status: JobStatus) -> dict[str, Any]:
    """Return the fields of the status of a job that has stopped. It can be placed in another compute pool when it resumes."""
    return {"workers": status.workers.model_copy(update={"ready": 0, "active": 0}), "pool": ""}


def resumed_conditions(status: JobStatus, *, suspended: bool) -> tuple[ConditionUpdate, ...]:
    """Return the condition of a job that was suspended and is no longer; `suspended` is `spec.suspend`."""
    if suspended or not is_true(tuple(status.conditions), JobCondition.SUSPENDED):
        return ()
    message = "resumed; training continues from the last checkpoint"
    return (ConditionUpdate(type=JobCondition.SUSPENDED, status=False, reason=Reason.NOT_SUSPENDED, message=message),)
