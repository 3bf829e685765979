"""What of an object the operator's decisions can see: only a change of that is worth a reconciliation."""

import contextlib
from collections.abc import Collection, Mapping
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
POD_SPEC = ("nodeName", "nodeSelector", "restartPolicy", "volumes")
POD_STATUS = ("phase", "reason", "message", "podIP", "startTime")
POD_CONDITIONS = ("PodScheduled", "Ready", "DisruptionTarget")
CONTAINER_GROUPS = ("containers", "initContainers")
CONTAINER = ("name", "image", "resources", "restartPolicy")
CONTAINER_STATUS_GROUPS = ("containerStatuses", "initContainerStatuses")
CONTAINER_STATUS = ("name", "state", "lastState", "ready", "restartCount")
"""Fields that are read of the pods of jobs, beside their metadata. A thousand jobs have ten thousand pods."""


def trim_pod(pod: Manifest) -> Manifest | None:
    """Return what is read of a pod of a job; of another pod only what it holds of GPUs, and None if it holds none."""
    if owner_of(pod) is None:
        return trim_other_pod(pod) if gpus_of(pod) else None
    spec, status = fields_at(pod, "spec"), fields_at(pod, "status")
    containers = {
        group: [picked(container, CONTAINER) for container in items_at(spec, group)]
        for group in CONTAINER_GROUPS
        if group in spec
    }
    statuses = {
        group: [picked(container, CONTAINER_STATUS) for container in items_at(status, group)]
        for group in CONTAINER_STATUS_GROUPS
        if group in status
    }
    conditions = [each for each in items_at(status, "conditions") if each.get("type") in POD_CONDITIONS]
    return {
        **pod,
        "spec": {**picked(spec, POD_SPEC), **containers},
        "status": {**picked(status, POD_STATUS), **statuses, **({"conditions": conditions} if conditions else {})},
    }


def trim_other_pod(pod: Manifest) -> Manifest:
    """Return what is read of a pod that belongs to no job."""
    names = ("name", "namespace", "uid", "resourceVersion")
    containers = {
        group: [picked(container, ("resources", "restartPolicy")) for container in items_at(pod, "spec", group)]
        for group in CONTAINER_GROUPS
    }
    return {
        "metadata": {name: text_at(pod, "metadata", name) for name in names},
        "spec": {"nodeName": text_at(pod, "spec", "nodeName"), **containers},
        "status": {"phase": text_at(pod, "status", "phase")},
    }


def picked(obj: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the fields of an object that have these names."""
    return {name: value for name, value in obj.items() if name in names}


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


def seen(view: PodView) -> tuple[object, ...]:
    """Return what decisions see of a pod: its view, and what is enforced while it exists."""
    pod = view.manifest
    images = [container.get("image") for container in items_at(pod, "spec", "containers")]
    labels, owners = fields_at(pod, "metadata", "labels"), value_at(pod, "metadata", "ownerReferences")
    return view, labels, owners, own_annotations(pod), images


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


def is_suspended(job: Manifest) -> bool:
    """Return whether a job is suspended; it may have started before."""
    return text_at(job, "status", "stage") == "Suspended"


def is_finished(job: Manifest) -> bool:
    """Return whether a job has succeeded or failed."""
    conditions = conditions_of(job)
    ends = (JobCondition.SUCCEEDED, JobCondition.FAILED)
    return any(conditions.get(end, {}).get("status") == "True" for end in ends)


def awaited_jobs(job: Manifest) -> frozenset[JobKey]:
    """Return the job whose published model or word vectors a job needs to start; empty if it needs none, or knows the place."""
    if fields_at(job, "status", "modelSource"):
        return frozenset()
    namespace = text_at(job, "metadata", "namespace")
    names = (text_at(job, "spec", "model", field, "job") for field in ("from", "vectors"))
    return frozenset((namespace, name) for name in names if name)


def result_of(job: Manifest | None) -> tuple[object, ...]:
    """Return what jobs that start from the model of a job can see of it; None is a job that does not exist."""
    job = job or {}
    return text_at(job, "metadata", "uid"), trigger(job), is_finished(job), fields_at(job, "status", "model")


def compute_pools(cluster: Manifest) -> tuple[ComputePool, ...]:
    """Return the compute pools of an LLMCluster, without those that cannot be read."""
    pools = []
    for pool in items_at(cluster, "spec", "computePools"):
        with contextlib.suppress(ValidationError):
            pools.append(ComputePool.from_server(pool))
    return tuple(pools)
