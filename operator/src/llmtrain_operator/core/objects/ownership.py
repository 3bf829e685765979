"""Which objects are a job's own: it is their controller. Other objects of its name are someone else's."""

from collections.abc import Mapping
from typing import TypeVar

from llmtrain_api.names import JOB_LABEL
from llmtrain_operator.core.manifest import Manifest

K = TypeVar("K")


def is_owned(obj: Manifest, uid: str) -> bool:
    """Return whether the job with this uid controls an object.

    An object that only lists the job as an owner, so that it is deleted with it, is not the job's own. One that has the
    job's label and lost the field `controller` is, so that it is repaired.
    """
    metadata = obj["metadata"]
    labels, owners = metadata.get("labels"), metadata.get("ownerReferences")
    labelled = isinstance(labels, dict) and JOB_LABEL in labels
    references = [owner for owner in owners if isinstance(owner, dict)] if isinstance(owners, list) else []
    return any(owner.get("uid") == uid and (owner.get("controller") is True or labelled) for owner in references)


def owned(objects: Mapping[K, Manifest], uid: str) -> dict[K, Manifest]:
    """Return the objects that the job with this uid controls, without those of a predecessor of the same name."""
    return {key: obj for key, obj in objects.items() if is_owned(obj, uid)}


def not_owned(objects: Mapping[K, Manifest], uid: str) -> dict[K, Manifest]:
    """Return the objects that the job with this uid does not control."""
    return {key: obj for key, obj in objects.items() if not is_owned(obj, uid)}
