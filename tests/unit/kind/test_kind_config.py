"""The configuration file of kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmtrain_kind.kind_config import SHARED_IN_NODE, has_native_gangs, kind_configuration
from llmtrain_kind.provider import Flavour


def configuration(**changes: Any) -> dict[str, Any]:
    """Return the parsed configuration of two workers; `changes` replaces parameters."""
    parameters: dict[str, Any] = {
        "flavour": Flavour.OFFLINE,
        "version": "v1.37.2",
        "workers": 2,
        "shared": Path("/cache/shared"),
        "archives": Path("/cache/archives"),
    }
    parsed: dict[str, Any] = json.loads(kind_configuration(**{**parameters, **changes}))
    return parsed


def test_the_control_plane_and_the_workers_share_a_folder() -> None:
    nodes = configuration(workers=3)["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker", "worker"]
    shared = {"hostPath": "/cache/shared", "containerPath": SHARED_IN_NODE}
    assert all(shared in node["extraMounts"] for node in nodes)


def test_only_the_offline_flavour_needs_patches_and_another_network() -> None:
    offline, stock = configuration(), configuration(flavour=Flavour.STOCK)
    assert offline["networking"] == {"disableDefaultCNI": True}
    kinds = {json.loads(patch)["kind"] for patch in offline["kubeadmConfigPatches"]}
    assert kinds == {"ClusterConfiguration", "KubeletConfiguration"}
    assert "networking" not in stock
    assert "kubeadmConfigPatches" not in stock


@pytest.mark.parametrize(
    ("version", "supported"),
    [("v1.37.2", True), ("v1.36.0", True), ("v1.35.9", False), ("v2.0.0", True)],
)
def test_gang_scheduling_is_enabled_where_it_exists(version: str, supported: bool) -> None:
    assert has_native_gangs(version) is supported
    assert ("runtimeConfig" in configuration(version=version)) is supported
