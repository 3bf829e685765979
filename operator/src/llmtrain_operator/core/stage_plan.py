"""One step in the life of a job: what a stage wants done and says, before it becomes a plan."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from llmtrain_api.conditions import JobCondition, Reason, is_true, set_condition
from llmtrain_api.job_status import JobStatus
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.objects.drift import needs_apply
from llmtrain_operator.core.plan import Event, ObjectReference, Plan
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import JobSnapshot, Manifest

WARNING_REASONS = frozenset(
    {
        Reason.CLUSTER_NOT_FOUND,
        Reason.NAMESPACE_NOT_TENANT,
        Reason.VOLUME_NOT_FOUND,
        Reason.INSUFFICIENT_GPUS,
        Reason.UNSCHEDULABLE,
        Reason.IMAGE_PULL_FAILED,
        Reason.API_REJECTED,
        Reason.RECOVERING,
        Reason.BAD_INPUT,
        Reason.TOO_MANY_FAILURES,
        Reason.DEADLINE_EXCEEDED,
        Reason.WORKERS_MISSING,
        Reason.TOO_FEW_WORKERS,
        Reason.CHECKPOINT_FAILED,
    }
)
"""Reasons whose events are warnings."""


@dataclass(frozen=True, kw_only=True)
class ConditionUpdate:
    """One condition that a step sets."""

    type: JobCondition
    status: bool
    reason: Reason
    message: str


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """What to do and to say. `wanted` objects are applied only where they are missing or were changed."""

    stage: str
    said: tuple[ConditionUpdate, ...] = ()
    desired: tuple[Manifest, ...] = ()
    delete: tuple[ObjectReference, ...] = ()
    events: tuple[Event, ...] = ()
    update: dict[str, Any] = field(default_factory=dict)
    """Fields of the status that change."""
    requeue_after: timedelta | None = None


def pod_reference(observed: JobSnapshot, pod: PodView) -> ObjectReference:
    """Return a reference to exactly this pod; no kubelet is waited for that can't answer."""
    return ObjectReference(
        api_version="v1",
        kind="Pod",
        namespace=observed.job.namespace,
        name=pod.name,
        uid=pod.uid,
        force=pod.node in observed.lost_nodes,
    )


def object_references(observed: JobSnapshot, kinds: tuple[str, ...]) -> tuple[ObjectReference, ...]:
    """Return references to the job's objects of some kinds."""
    return tuple(
        ObjectReference(
            api_version=manifest["apiVersion"],
            kind=kind,
            namespace=observed.job.namespace,
            name=name,
            uid=manifest["metadata"].get("uid", ""),
        )
        for (kind, name), manifest in observed.objects.items()
        if kind in kinds and "deletionTimestamp" not in manifest["metadata"]
    )


def find_live(observed: JobSnapshot, manifest: Manifest) -> Manifest | None:
    """Return the object that stands where `manifest` would."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if kind == "Pod":
        pod = observed.pod(name)
        return pod.manifest if pod else None
    if kind == "PersistentVolumeClaim":
        return observed.claims.get(name)
    return observed.objects.get((kind, name))


def replaceable(observed: JobSnapshot, manifest: Manifest) -> bool:
    """Return whether `manifest` may be applied now: its last incarnation is gone, or lives."""
    before = find_live(observed, manifest)
    if before is None:
        return True
    ended = before.get("status", {}).get("phase") in ("Failed", "Succeeded") and manifest["kind"] == "Pod"
    return "deletionTimestamp" not in before["metadata"] and not ended


def build_plan(observed: JobSnapshot, status: JobStatus, step: StagePlan) -> Plan:
    """Return the plan that a step amounts to."""
    conditions = tuple(status.conditions)
    for said in step.said:
        conditions = set_condition(
            conditions,
            said.type,
            said.status,
            said.reason,
            said.message,
            now=format_rfc3339(observed.now),
            generation=observed.job.metadata_generation,
        )
    after = status.model_copy(update={**step.update, "stage": step.stage, "conditions": list(conditions)})
    apply = tuple(
        manifest
        for manifest in step.desired
        if replaceable(observed, manifest) and needs_apply(manifest, find_live(observed, manifest))
    )
    return Plan(
        status=after if after != observed.job.status else None,
        apply=apply,
        delete=step.delete,
        events=(*step.events, *repair_events(observed, apply), *condition_events(observed.job.status, after)),
        requeue_after=step.requeue_after,
    )


def repair_events(observed: JobSnapshot, apply: tuple[Manifest, ...]) -> tuple[Event, ...]:
    """Return an event for each object that someone else changed."""
    return tuple(
        Event(
            type="Normal",
            reason=Reason.CHILD_REPAIRED,
            message=f"{manifest['kind']} {manifest['metadata']['name']} was changed by hand and is put right; change the job instead",
        )
        for manifest in apply
        if find_live(observed, manifest) is not None and manifest["kind"] != "PodGroup"
    )


def condition_events(before: JobStatus, after: JobStatus) -> tuple[Event, ...]:
    """Return an event for each condition that holds now, or fails to for a reason of trouble, and did not before."""
    known = {(condition.type, condition.status, condition.reason) for condition in before.conditions}
    fresh = {
        (condition.reason, condition.message): None  # two conditions may say the same
        for condition in after.conditions
        if (condition.type, condition.status, condition.reason) not in known
        and (condition.status == "True" or condition.reason in WARNING_REASONS)
    }
    return tuple(
        Event(type="Warning" if reason in WARNING_REASONS else "Normal", reason=reason, message=message)
        for reason, message in fresh
    )


def is_finished(status: JobStatus) -> bool:
    """Return whether the job has succeeded or failed."""
    conditions = tuple(status.conditions)
    return is_true(conditions, JobCondition.SUCCEEDED) or is_true(conditions, JobCondition.FAILED)
