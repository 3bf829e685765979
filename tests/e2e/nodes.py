"""The nodes of the local cluster, as containers: operations that kubectl does not have."""

import os
import subprocess
from typing import Any

from e2e.kube import Kube

CLUSTER = os.environ.get("LLMTRAIN_CLUSTER", "llmtrain")
"""Name of the local cluster."""


def engine(kube: Kube) -> str:
    """Return the container engine that runs the nodes."""
    return "podman" if kube.environment.get("KIND_EXPERIMENTAL_PROVIDER") == "podman" else "docker"


def kill(kube: Kube, pod: dict[str, Any]) -> None:
    """SIGKILL the first process of a pod's container, from its node."""
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    command = ["ctr", "-n", "k8s.io", "task", "kill", "-s", "SIGKILL", container]
    subprocess.run([engine(kube), "exec", pod["spec"]["nodeName"], *command], check=True, capture_output=True)
