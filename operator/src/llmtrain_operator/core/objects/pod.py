"""The frame of every pod: restricted, without a service account token, with the job's volumes."""

from collections.abc import Iterable
from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.names import GPU_RESOURCE, RUN_CONFIG_DIRECTORY, VOLUMES_DIRECTORY, run_config_name
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.snapshot import Job, Manifest

USER_ID = 65532


def pod(
    job: Job,
    *,
    name: str,
    role: str,
    image: str,
    pull_policy: str,
    arguments: Iterable[str],
    resources: dict[str, Any],
    grace_seconds: int,
    labels: dict[str, str] | None = None,
    env: Iterable[dict[str, Any]] = (),
    volumes: Iterable[str] = (),
    run_config: bool = True,
    restart_policy: str = "Never",
    gang: str = "",
) -> Manifest:
    """Return a pod of the job. `volumes` are claims, each mounted at /volumes/<claim>."""
    scratch: list[tuple[str, dict[str, Any], str]] = [("tmp", {"emptyDir": {}}, "/tmp")]
    if GPU_RESOURCE in resources.get("limits", {}):
        scratch.append(("shm", {"emptyDir": {"medium": "Memory"}}, "/dev/shm"))
    if run_config:
        scratch.append(("run", {"configMap": {"name": run_config_name(job.name)}}, RUN_CONFIG_DIRECTORY))
    claims = [
        (f"volume-{i}", {"persistentVolumeClaim": {"claimName": claim}}, f"{VOLUMES_DIRECTORY}/{claim}")
        for i, claim in enumerate(dict.fromkeys(volumes))
    ]
    container = {
        "name": role,
        "image": image,
        "imagePullPolicy": pull_policy,
        "args": list(arguments),
        "env": list(env),
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": key, "mountPath": path} for key, _, path in (*scratch, *claims)],
    }
    spec: dict[str, Any] = {
        "restartPolicy": restart_policy,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": key, **source} for key, source, _ in (*scratch, *claims)],
    }
    if job.spec.scheduling.priority_class_name:
        spec["priorityClassName"] = job.spec.scheduling.priority_class_name
    if gang:
        spec["schedulingGroup"] = {"podGroupName": gang}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": child_metadata(job, name, role, **(labels or {})),
        "spec": spec,
    }


def placement(spec: JobSpec) -> dict[str, Any]:
    """Return the fields that choose nodes, as the job's owner set them."""
    fields: dict[str, Any] = {}
    if spec.workers.node_selector:
        fields["nodeSelector"] = dict(spec.workers.node_selector)
    if spec.workers.tolerations:
        fields["tolerations"] = [
            {key: value for key, value in toleration.document().items() if value != ""}
            for toleration in spec.workers.tolerations
        ]
    return fields
