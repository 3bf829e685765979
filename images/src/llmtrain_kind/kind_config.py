"""The configuration file of `kind create cluster`, as JSON, which is valid YAML."""

import json
from pathlib import Path

from llmtrain_kind.node_image import COMPONENT_REPOSITORY
from llmtrain_kind.provider import Flavour

SHARED_IN_NODE = "/llmtrain/shared"
ARCHIVES_IN_NODE = "/llmtrain/archives"
_FIRST_MINOR_WITH_GANGS = 36


def has_native_gangs(version: str) -> bool:
    """Return whether a version of Kubernetes, such as `v1.37.2`, has gang scheduling of PodGroups."""
    major, minor = version.removeprefix("v").split(".")[:2]
    return (int(major), int(minor)) >= (1, _FIRST_MINOR_WITH_GANGS)


def kind_configuration(*, flavour: Flavour, version: str, workers: int, shared: Path, archives: Path) -> str:
    """Return the configuration of a control plane and workers that share a folder.

    kind itself disables eviction on disk pressure, because nodes share the machine's disk.
    """
    mounts = [
        {"hostPath": str(shared), "containerPath": SHARED_IN_NODE},
        {"hostPath": str(archives), "containerPath": ARCHIVES_IN_NODE, "readOnly": True},
    ]
    roles = ["control-plane", *["worker"] * workers]
    configuration: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": role, "extraMounts": mounts} for role in roles],
    }
    if has_native_gangs(version):
        configuration["featureGates"] = {"GenericWorkload": True}
        configuration["runtimeConfig"] = {"scheduling.k8s.io/v1beta1": "true"}
    if flavour is Flavour.OFFLINE:
        configuration["networking"] = {"disableDefaultCNI": True}
        configuration["kubeadmConfigPatches"] = [json.dumps(patch) for patch in _patches()]
    return json.dumps(configuration, indent=2)


def _patches() -> list[dict[str, object]]:
    """Return kubeadm's patches for the offline node image and for cgroup v1."""
    return [
        {"kind": "ClusterConfiguration", "imageRepository": COMPONENT_REPOSITORY},
        {
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
        },
    ]
