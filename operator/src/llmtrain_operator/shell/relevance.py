"""What of an object the operator's decisions can see: only a change of that is worth a reconciliation."""

import contextlib
from typing import Any

from pydantic import ValidationError

from llmtrain_api.cluster import ComputePool
from llmtrain_api.conditions import JobCondition
from llmtrain_api.names import GROUP, JOB_KIND, JOB_LABEL
from llmtrain_operator.core.manifest import (
    Manifest,
    conditions_of,
    fields_at,
    is_deleting,
    items_at,
    strings_at,
    text_at,
    value_at,
)
from llmtrain_operator.core.node_view import gpus_of
from llmtrain_operator.core.pod_view import PodView

JobKey = tuple[str, str]
"""Namespace and name of a job."""


def trim_pod(pod: Manifest) -> Manifest | None:
    """Return a pod of a job unchanged, of another pod only what it holds of GPUs; None if it holds none."""
    if owner_of(pod) is not None:
        return pod
    if not gpus_of(pod):
        return None
    names = ("name", "namespace", "uid", "resourceVersion")
    groups = ("containers", "initContainers")
    keys = ("resources", "restartPolicy")
    containers = {
        group: [{key: container[key] for key in keys if key in container} for container in items_at(pod, "spec", group)]
        for group in groups
    }
    return {
        "metadata": {name: text_at(pod, "metadata", name) for name in names},
        "spec": {"nodeName": text_at(pod, "spec", "nodeName"), **containers},
        "status": {"phase": text_at(pod, "status", "phase")},
    }


def trigger(obj: Manifest) -> tuple[object, ...]:
    """Return what a job or an LLMCluster is reconciled for: its spec, its deletion, its labels, our annotations."""
    generation = value_at(obj, "metadata", "generation")
    return (
        obj.get("spec") if generation is None else generation,
        is_deleting(obj),
        fields_at(obj, "metadata", "labels"),
        own_annotations(obj),
    )


def own_annotations(obj: Manifest) -> dict[str, str]:
    """Return the annotations of an object that belong to this API group."""
    annotations = strings_at(obj, "metadata", "annotations").items()
    return {key: value for key, value in annotations if key.startswith(f"{GROUP}/")}


def seen(pod: Manifest) -> tuple[object, ...]:
    """Return what decisions see of a pod: its view, and what is enforced while it exists."""
    images = [container.get("image") for container in items_at(pod, "spec", "containers")]
    labels, owners = fields_at(pod, "metadata", "labels"), value_at(pod, "metadata", "ownerReferences")
    return PodView.of(pod), labels, owners, own_annotations(pod), images


def content(obj: Manifest) -> dict[str, Any]:
    """Return what decisions see of a claim or another object of a job: all but its version and foreign annotations."""
    hidden = ("resourceVersion", "annotations", "managedFields")
    metadata = {key: value for key, value in fields_at(obj, "metadata").items() if key not in hidden}
    return {**obj, "metadata": metadata}


def owner_of(obj: Manifest) -> JobKey | None:
    """Return the job that an object belongs to: its controller, or else by its label, or else an owner.

    A label that someone changed does not hide an object from the job that controls it.
    """
    owners = [owner for owner in items_at(obj, "metadata", "ownerReferences") if owner.get("kind") == JOB_KIND]
    names = (
        *(text_at(owner, "name") for owner in owners if owner.get("controller") is True),
        text_at(obj, "metadata", "labels", JOB_LABEL),
        *(text_at(owner, "name") for owner in owners),
    )
    name = next((name for name in names if name), "")
    return (text_at(obj, "metadata", "namespace"), name) if name else None


def node_of(pod: Manifest) -> str:
    """Return the node that a pod is bound to; empty if it has none yet."""
    return text_at(pod, "spec", "nodeName")


def is_waiting(job: Manifest) -> bool:
    """Return whether a job has not started or waits to be admitted."""
    return text_at(job, "status", "stage") in ("", "Waiting")


def is_finished(job: Manifest) -> bool:
    """Return whether a job has succeeded or failed."""
    conditions = conditions_of(job)
    ends = (JobCondition.SUCCEEDED, JobCondition.FAILED)
    return any(conditions.get(end, {}).get("status") == "True" for end in ends)


def compute_pools(cluster: Manifest) -> tuple[ComputePool, ...]:
    """Return the compute pools of an LLMCluster, without those that cannot be read."""
    pools = []
    for pool in items_at(cluster, "spec", "computePools"):
        with contextlib.suppress(ValidationError):
            pools.append(ComputePool.from_server(pool))
    return tuple(pools)
