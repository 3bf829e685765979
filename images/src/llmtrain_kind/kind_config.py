"""The configuration file that `kind create cluster` gets, in the part of YAML that is JSON."""

import json
from pathlib import Path

from llmtrain_kind.node_image import COMPONENT_REPOSITORY
from llmtrain_kind.provider import Flavour

SHARED_IN_NODE = "/llmtrain/shared"
ARCHIVES_IN_NODE = "/llmtrain/archives"
_FIRST_MINOR_WITH_GANGS = 36


def has_native_gangs(version: str) -> bool:
    """Whether a Kubernetes such as `v1.37.2` can schedule a PodGroup's pods together."""
    major, minor = version.removeprefix("v").split(".")[:2]
    return (int(major), int(minor)) >= (1, _FIRST_MINOR_WITH_GANGS)


def kind_configuration(*, flavour: Flavour, version: str, workers: int, shared: Path, archives: Path) -> str:
    """One control plane and some workers that share a folder.

    kind itself turns off eviction for a full disk, which nodes share with the machine.
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
    """What kubeadm must do differently on our own node image and on cgroup v1."""
    return [
        {"kind": "ClusterConfiguration", "imageRepository": COMPONENT_REPOSITORY},
        {
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
        },
    ]
