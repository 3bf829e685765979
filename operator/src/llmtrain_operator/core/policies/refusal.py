"""Refusals: what the API server refused is reported in its words, and asked for again after a while.

Objects before the refused one in the order of a plan are applied as usual, those after it wait with it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest, ObjectKey, is_deleting, object_key
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.core.snapshot import Job, Refusal
from llmtrain_operator.core.stage_plan import ConditionUpdate


def api_rejection(key: ObjectKey, words: str) -> Refusal:
    """Return the refusal of an object that the API server rejected; `words` are its own."""
    message = (
        f"the Kubernetes API rejected {' '.join(key)} of this job: {words}; "
        "remove the cause, such as an exhausted quota: the operator tries again by itself"
    )
    return Refusal(key=key, reason=Reason.API_REJECTED, message=message)


def name_taken(existing: Manifest, *, job: str, uid: str) -> Refusal:
    """Return the refusal of an object whose name `existing` has, which is not of the job with this name and uid."""
    key = object_key(existing)
    if is_deleting(existing) or belongs_to_namesake(existing, job, uid):
        message = f"{' '.join(key)} of an earlier job of this name still stops; this job continues when it is gone"
        return Refusal(key=key, reason=Reason.WAITING, message=message)
    message = f"{' '.join(key)} is not of this job; rename the job or delete it"
    return Refusal(key=key, reason=Reason.NAME_TAKEN, message=message)


def belongs_to_namesake(existing: Manifest, job: str, uid: str) -> bool:
    """Return whether another job of the name `job` owns an object; `uid` is that of this one."""
    owners = existing["metadata"].get("ownerReferences")
    references = [owner for owner in owners if isinstance(owner, dict)] if isinstance(owners, list) else []
    return any(
        owner.get("kind") == JOB_KIND and owner.get("name") == job and owner.get("uid") != uid for owner in references
    )


def current_refusal(
    job: Job,
    apply: tuple[Manifest, ...],
    delete: tuple[ObjectReference, ...],
    *,
    last: Refusal | None,
    taken: Mapping[ObjectKey, Manifest],
) -> Refusal | None:
    """Return what keeps a plan from being executed as a whole; None if nothing does.

    `last` is the last request that the API server refused: it only counts while the job still needs that object
    applied or deleted. `taken` are objects of others that have a name of the job's.
    """
    if last is not None and last.key in {(reference.kind, reference.name) for reference in delete}:
        return last
    for manifest in apply:
        key = object_key(manifest)
        if key in taken:
            return replace(name_taken(taken[key], job=job.name, uid=job.uid), retry_after=None)
        if last is not None and key == last.key:
            return last
    return None


def applied_now(refusal: Refusal, apply: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Return the objects to apply now: those before the refused one, and all when it is due."""
    if is_due(refusal):
        return apply
    number = next((number for number, each in enumerate(apply) if object_key(each) == refusal.key), len(apply))
    return apply[:number]


def deleted_now(refusal: Refusal, delete: tuple[ObjectReference, ...]) -> tuple[ObjectReference, ...]:
    """Return the objects to delete now: none while a refused deletion is not due."""
    refused = any((reference.kind, reference.name) == refusal.key for reference in delete)
    return () if refused and not is_due(refusal) else delete


def is_due(refusal: Refusal) -> bool:
    """Return whether the refused request is made again now."""
    return refusal.retry_after is not None and refusal.retry_after <= timedelta(0)


def refusal_conditions(refusal: Refusal | None) -> tuple[ConditionUpdate, ...]:
    """Return the condition Scheduled of a job with a refusal; nothing without one."""
    if refusal is None:
        return ()
    return (ConditionUpdate(type=JobCondition.SCHEDULED, status=False, reason=refusal.reason, message=refusal.message),)
