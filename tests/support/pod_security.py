"""Pod Security level `restricted`, as the Pod Security Standards of Kubernetes define it, for the fields of a job's pods."""

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Kinds of volumes that are allowed; `image` has been since volumes of images exist."""


def restricted_violations(pod: dict[str, Any]) -> list[str]:
    """Return what keeps a pod from the level `restricted`; empty if nothing does."""
    return list(_violations(pod["spec"]))


def _violations(spec: dict[str, Any]) -> Iterator[str]:
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field))
    for volume in spec["volumes"]:
        yield from (f"volume {kind}" for kind in volume if kind not in VOLUMES | {"name"})
    context = spec["securityContext"]
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        yield "runs as root"
    if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccomp profile"
    if context.get("sysctls"):
        yield "sysctls"
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        yield from _container_violations(container)


def _container_violations(container: dict[str, Any]) -> Iterator[str]:
    context = container["securityContext"]
    if context.get("privileged"):
        yield "privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "privilege escalation"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities are not dropped"
    yield from (f"capabilities {name}" for name in capabilities.get("add", ()) if name != "NET_BIND_SERVICE")
    yield from (f"host port {port}" for port in container.get("ports", ()) if port.get("hostPort"))
