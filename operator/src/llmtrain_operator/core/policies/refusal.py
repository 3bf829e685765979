"""Refusals: what the API server refused is reported in its words, and asked for again after a while.

What is created is created in the order of a plan, so objects after a refused one wait with it. A change or a deletion
that is refused holds up nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest, ObjectKey, is_deleting, object_key
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.core.snapshot import Job, Refusal, Verb
from llmtrain_operator.core.stage_plan import ConditionUpdate

MAX_RETRY_AFTER = 60.0
"""Seconds of a Retry-After that are respected at most: a proxy with a wrong answer must not stop the operator."""


def api_rejection(key: ObjectKey, words: str, verb: Verb = "create") -> Refusal:
    """Return the refusal of a request that the API server rejected; `words` are its own."""
    message = (
        f"the Kubernetes API rejected {' '.join(key)} of this job: {words}; "
        "remove the cause, such as an exhausted quota: the operator tries again by itself"
    )
    return Refusal(verb=verb, key=key, reason=Reason.API_REJECTED, message=message)


def api_failure(key: ObjectKey, words: str, verb: Verb = "create", *, retry_after: float = 0) -> Refusal:
    """Return the refusal of a request that the API server did not carry out because of a problem; `words` are its own."""
    message = (
        f"the Kubernetes API repeatedly did not accept {' '.join(key)} of this job: {words}; "
        "repair what the message names, such as an admission webhook that fails: the operator tries again by itself"
    )
    return Refusal(
        verb=verb,
        key=key,
        reason=Reason.API_REJECTED,
        message=message,
        retry_after=timedelta(seconds=min(retry_after, MAX_RETRY_AFTER)),
        is_transient=True,
    )


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


def outstanding_refusals(
    job: Job,
    apply: tuple[Manifest, ...],
    delete: tuple[ObjectReference, ...],
    *,
    last: Iterable[Refusal],
    taken: Mapping[ObjectKey, Manifest],
) -> tuple[Refusal, ...]:
    """Return what keeps a plan from being executed as a whole, the first in its order first.

    `last` are the requests that the API server refused: each only counts while the job still needs it. `taken` are objects
    of others that have a name of the job's.
    """
    refused = {refusal.request: refusal for refusal in last}
    creations, changes = list[Refusal](), list[Refusal]()
    for manifest in apply:
        key = object_key(manifest)
        if key in taken:
            creations.append(replace(name_taken(taken[key], job=job.name, uid=job.uid), retry_after=None))
        elif (refusal := refused.get((verb_of(manifest), key))) is not None:
            (creations if refusal.verb == "create" else changes).append(refusal)
    deletions = (refused.get(("delete", (reference.kind, reference.name))) for reference in delete)
    return (*creations, *(refusal for refusal in deletions if refusal is not None), *changes)


def verb_of(manifest: Manifest) -> Verb:
    """Return what applying an object is: a change if it has a uid, and else its creation."""
    return "change" if "uid" in manifest["metadata"] else "create"


def creations_first(apply: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Return the objects to apply in order, those that exist last: no creation waits for the change of another object."""
    return tuple(sorted(apply, key=lambda manifest: verb_of(manifest) == "change"))


def applied_now(refusals: Iterable[Refusal], apply: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Return the objects to apply now: to create, those before the first that must wait; to change, all that need not.

    What pods need, such as the coordinator's Service, is tried without the objects after it if it was refused last: until it
    exists no pod is created, and so no term of a coordinator is used up.
    """
    refusals = tuple(refusals)
    waiting = {refusal.request for refusal in refusals if not is_due(refusal)}
    tried = {refusal.request for refusal in refusals if is_due(refusal) and refusal.key[0] != "Pod"}
    creations = [manifest for manifest in apply if verb_of(manifest) == "create"]
    requests = [("create", object_key(manifest)) for manifest in creations]
    end = next((n + (each in tried) for n, each in enumerate(requests) if each in waiting | tried), len(creations))
    changes = (manifest for manifest in apply if verb_of(manifest) == "change")
    return (*creations[:end], *(each for each in changes if ("change", object_key(each)) not in waiting))


def deleted_now(refusals: Iterable[Refusal], delete: tuple[ObjectReference, ...]) -> tuple[ObjectReference, ...]:
    """Return the objects to delete now: all but those whose deletion was refused and is not due."""
    waiting = {refusal.request for refusal in refusals if not is_due(refusal)}
    return tuple(each for each in delete if ("delete", (each.kind, each.name)) not in waiting)


def is_rejected(refusals: Iterable[Refusal], key: ObjectKey) -> bool:
    """Return whether an object was not created when that was tried last: a problem of the server leaves it open."""
    return any(each.request == ("create", key) and not each.is_transient for each in refusals)


def is_due(refusal: Refusal) -> bool:
    """Return whether the refused request is made again now."""
    return refusal.retry_after is not None and refusal.retry_after <= timedelta(0)


def refusal_conditions(refusals: Iterable[Refusal]) -> tuple[ConditionUpdate, ...]:
    """Return the condition Scheduled of a job with refusals, in the words of the first; nothing without one."""
    reported = [refusal for refusal in refusals if refusal.is_reported]
    if not reported:
        return ()
    first, others = reported[0], len(reported) - 1
    message = f"{first.message} ({others} more requests are refused)" if others else first.message
    return (ConditionUpdate(type=JobCondition.SCHEDULED, status=False, reason=first.reason, message=message),)
