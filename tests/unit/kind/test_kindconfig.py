"""What kind is asked to make."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmtrain_kind.kind_config import SHARED_IN_NODE, has_native_gangs, kind_configuration
from llmtrain_kind.provider import Flavour


def _configuration(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "flavour": Flavour.OFFLINE,
        "version": "v1.37.2",
        "workers": 2,
        "shared": Path("/cache/shared"),
        "archives": Path("/cache/archives"),
    }
    parsed: dict[str, Any] = json.loads(kind_configuration(**{**given, **changes}))
    return parsed


def test_one_control_plane_and_the_workers_share_a_folder() -> None:
    nodes = _configuration(workers=3)["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker", "worker"]
    shared = {"hostPath": "/cache/shared", "containerPath": SHARED_IN_NODE}
    assert all(shared in node["extraMounts"] for node in nodes)


def test_only_our_own_node_image_needs_patches_and_our_network() -> None:
    offline, stock = _configuration(), _configuration(flavour=Flavour.STOCK)
    assert offline["networking"] == {"disableDefaultCNI": True}
    kinds = {json.loads(patch)["kind"] for patch in offline["kubeadmConfigPatches"]}
    assert kinds == {"ClusterConfiguration", "KubeletConfiguration"}
    assert "networking" not in stock
    assert "kubeadmConfigPatches" not in stock


@pytest.mark.parametrize(
    ("version", "has_them"),
    [("v1.37.2", True), ("v1.36.0", True), ("v1.35.9", False), ("v2.0.0", True)],
)
def test_gang_scheduling_is_asked_for_where_it_exists(version: str, has_them: bool) -> None:
    assert has_native_gangs(version) is has_them
    assert ("runtimeConfig" in _configuration(version=version)) is has_them
