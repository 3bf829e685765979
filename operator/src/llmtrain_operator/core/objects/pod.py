"""What all pods of a job have in common: a restricted security context, no service account token, the volumes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmtrain_api.cluster import ComputePool
from llmtrain_api.names import GPU_RESOURCE, RUN_CONFIG_DIRECTORY, VOLUMES_DIRECTORY, run_config_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.objects.placement import placement
from llmtrain_operator.core.snapshot import Job

USER_ID = 65532
"""User and group that containers run as; the images declare the same."""


@dataclass(frozen=True, kw_only=True)
class PodTemplate:
    """What differs between the pods of a job."""

    role: str
    image: str
    pull_policy: str
    arguments: tuple[str, ...]
    resources: dict[str, Any]
    grace_seconds: int
    """Time between SIGTERM and SIGKILL when the pod is deleted."""
    labels: Mapping[str, str] = field(default_factory=dict)
    env: tuple[dict[str, Any], ...] = ()
    claims: tuple[str, ...] = ()
    """PersistentVolumeClaims, each mounted at /volumes/<claim>."""
    run_config: bool = True
    """Whether to mount the run config."""
    restart_policy: str = "Never"
    pool: ComputePool | None = None
    """Compute pool that the pod is placed in; None in an LLMCluster without compute pools."""
    gang: str = ""
    """Name of the PodGroup; empty without gang scheduling."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume, and where the container mounts it."""

    name: str
    source: dict[str, Any]
    path: str


def pod(job: Job, name: str, template: PodTemplate) -> Manifest:
    """Return the pod `name` of a job."""
    mounts = mounts_of(job, template)
    spec: dict[str, Any] = {
        "restartPolicy": template.restart_policy,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": template.grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(template, mounts)],
        "volumes": [{"name": mount.name, **mount.source} for mount in mounts],
        **placement(job.spec.workers, template.pool),
    }
    if job.spec.scheduling.priority_class_name:
        spec["priorityClassName"] = job.spec.scheduling.priority_class_name
    if template.gang:
        spec["schedulingGroup"] = {"podGroupName": template.gang}
    metadata = child_metadata(job, name, template.role, **template.labels)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def mounts_of(job: Job, template: PodTemplate) -> list[Mount]:
    """Return the volumes of a pod: /tmp, shared memory for GPUs, the run config and the claims."""
    mounts = [Mount(name="tmp", source={"emptyDir": {}}, path="/tmp")]
    if GPU_RESOURCE in template.resources.get("limits", {}):
        mounts.append(Mount(name="shm", source={"emptyDir": {"medium": "Memory"}}, path="/dev/shm"))
    if template.run_config:
        source = {"configMap": {"name": run_config_name(job.name)}}
        mounts.append(Mount(name="run", source=source, path=RUN_CONFIG_DIRECTORY))
    for number, claim in enumerate(dict.fromkeys(template.claims)):
        source = {"persistentVolumeClaim": {"claimName": claim}}
        mounts.append(Mount(name=f"volume-{number}", source=source, path=f"{VOLUMES_DIRECTORY}/{claim}"))
    return mounts


def container(template: PodTemplate, mounts: list[Mount]) -> dict[str, Any]:
    """Return the only container of a pod, named after its role."""
    return {
        "name": template.role,
        "image": template.image,
        "imagePullPolicy": template.pull_policy,
        "args": list(template.arguments),
        "env": list(template.env),
        "resources": template.resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": mount.name, "mountPath": mount.path} for mount in mounts],
    }
