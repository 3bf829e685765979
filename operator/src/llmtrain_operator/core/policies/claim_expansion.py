"""Claim expansion: when a storage pool of an LLMCluster grows, the claims that were made for it grow too.

The StorageClass must allow it. A claim that is not bound yet cannot grow; it does when it is bound. Claims never shrink.
"""

from collections.abc import Iterable, Mapping

from llmtrain_api.cluster import StoragePool
from llmtrain_api.names import CLUSTER_LABEL
from llmtrain_api.quantity import whole_amount
from llmtrain_operator.core.manifest import (
    Manifest,
    conditions_of,
    is_deleting,
    strings_at,
    text_at,
    value_at,
)

ClaimKey = tuple[str, str]
"""Namespace and name of a claim."""
RESIZE_ERRORS = ("ControllerResizeError", "NodeResizeError")
"""Conditions of a claim whose expansion failed."""
RESIZE_STEPS = ("FileSystemResizePending", "Resizing")
"""Conditions of a claim that grows."""


def is_of_cluster(claim: Manifest, cluster: str) -> bool:
    """Return whether a claim was made for a storage pool of the LLMCluster `cluster`."""
    return strings_at(claim, "metadata", "labels").get(CLUSTER_LABEL) == cluster


def must_grow(claim: Manifest, pool: StoragePool) -> bool:
    """Return whether a claim is bound and requests less than the size of its storage pool."""
    requested = whole_amount(value_at(claim, "spec", "resources", "requests", "storage"))
    size = whole_amount(pool.size)
    is_bound = text_at(claim, "status", "phase") == "Bound" and not is_deleting(claim)
    return is_bound and requested is not None and size is not None and requested < size


def smaller_claims(
    pools: Iterable[StoragePool], claims: Mapping[ClaimKey, Manifest], cluster: str
) -> dict[ClaimKey, StoragePool]:
    """Return the claims of an LLMCluster that must grow, with their storage pools."""
    by_name = {pool.name: pool for pool in pools}
    return {
        key: by_name[key[1]]
        for key, claim in claims.items()
        if key[1] in by_name and is_of_cluster(claim, cluster) and must_grow(claim, by_name[key[1]])
    }


def expansion(key: ClaimKey, claim: Manifest, pool: StoragePool) -> Manifest:
    """Return what is changed of an existing claim so that it grows to the size of its storage pool."""
    namespace, name = key
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace, "uid": text_at(claim, "metadata", "uid")},
        "spec": {"resources": {"requests": {"storage": pool.size}}},
    }


def resize_state(claim: Manifest) -> str:
    """Return how far the expansion of a claim is, in Kubernetes' words; empty if there is none."""
    conditions = conditions_of(claim)
    reported = (type for type in (*RESIZE_ERRORS, *RESIZE_STEPS) if text_at(conditions.get(type), "status") == "True")
    type = next(reported, "")
    return f"{type}: {text_at(conditions[type], 'message')}".strip(": ") if type else ""


def resize_error(claim: Manifest) -> str:
    """Return why the expansion of a claim failed, in the words of the storage driver; empty if it did not."""
    state = resize_state(claim)
    return state if state.startswith(RESIZE_ERRORS) else ""
