"""What all pods of a job have in common: metadata, a restricted security context, credentials, the volumes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.environment import Variables, with_visible_devices
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.objects.placement import placement
from llmtrain_operator.core.objects.pod_settings import settings_annotation
from llmtrain_operator.core.objects.security_context import container_security_context, pod_security_context
from llmtrain_operator.core.objects.volumes import Volume
from llmtrain_operator.core.snapshot import Job

DNS_OPTIONS = [{"name": "timeout", "value": "1"}, {"name": "attempts", "value": "3"}]
"""Options of the resolver: by default, a lookup whose packet is lost takes 5 seconds, longer than a recovery."""


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
    annotations: Mapping[str, str] = field(default_factory=dict)
    env: Variables = ()
    env_from: Variables = ()
    volumes: tuple[Volume, ...] = ()
    mount_token: bool = False
    """Whether the token of the service account is mounted."""
    runtime_class: str | None = None
    restart_policy: str = "Never"
    pool: ComputePool | None = None
    """Compute pool that the pod is placed in; None in an LLMCluster without compute pools."""
    gang: str = ""
    """Name of the PodGroup; empty without gang scheduling."""


def pod(job: Job, name: str, template: PodTemplate) -> Manifest:
    """Return the pod `name` of a job."""
    spec: dict[str, Any] = {
        "restartPolicy": template.restart_policy,
        "automountServiceAccountToken": template.mount_token,
        "enableServiceLinks": False,
        "dnsConfig": {"options": DNS_OPTIONS},
        "terminationGracePeriodSeconds": template.grace_seconds,
        "securityContext": pod_security_context(job.spec.security_context),
        "containers": [container(template)],
        "volumes": [{"name": volume.name, **volume.source} for volume in template.volumes],
        **placement(job.spec.workers, template.pool),
    }
    if job.spec.service_account.name:
        spec["serviceAccountName"] = job.spec.service_account.name
    if job.spec.pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in job.spec.pull_secrets]
    if template.runtime_class:
        spec["runtimeClassName"] = template.runtime_class
    if job.spec.scheduling.priority_class_name:
        spec["priorityClassName"] = job.spec.scheduling.priority_class_name
    if template.gang:
        spec["schedulingGroup"] = {"podGroupName": template.gang}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": pod_metadata(job, name, template), "spec": spec}


def existing_pod(job: Job, name: str, role: str, **labels: str) -> Manifest:
    """Return what is enforced of a pod that exists: it keeps all else as it was created."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": child_metadata(job, name, role, **labels)}


def pod_metadata(job: Job, name: str, template: PodTemplate) -> Manifest:
    """Return the metadata of a pod: the labels and annotations of the job, and the operator's own, which win."""
    metadata = child_metadata(job, name, template.role, **template.labels)
    metadata["labels"] = {**job.spec.workers.labels, **metadata["labels"]}
    own = {**template.annotations, **settings_annotation(job.spec, template.role)}
    return {**metadata, "annotations": {**job.spec.workers.annotations, **own}}


def container(template: PodTemplate) -> dict[str, Any]:
    """Return the only container of a pod, named after its role."""
    limits = template.resources.get("limits", {})
    return {
        "name": template.role,
        "image": template.image,
        "imagePullPolicy": template.pull_policy,
        "args": list(template.arguments),
        "env": list(with_visible_devices(template.env, limits)),
        **({"envFrom": list(template.env_from)} if template.env_from else {}),
        "resources": template.resources,
        "securityContext": container_security_context(limits),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [volume.mount for volume in template.volumes],
    }
