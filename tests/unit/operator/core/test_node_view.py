"""A node as decisions see it: whether pods can run there, whether it is lost, and its GPUs."""

import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_operator.core import node_view as node_view_module
from llmtrain_operator.core import taints
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import (
    MAX_GPUS,
    MAX_RESOURCES,
    Labels,
    NodeStates,
    NodeView,
    gpus_of,
    is_ready,
)
from llmtrain_operator.core.taints import Taint
from support.garbage import EXTREME_INSTANTS
from unit.operator.builders import NOW, ago, node, node_view

RESERVED = {"key": "team", "effect": "NoSchedule"}


def gpu_pod(
    *gpus: int | str, init: tuple[tuple[int, bool], ...] = (), namespace: str = "ns", phase: str = "Running"
) -> Manifest:
    """Return a pod whose containers request GPUs; those of `init` are (GPUs, whether it is a sidecar)."""

    def container(number: int | str, **fields: str) -> dict[str, Any]:
        return {"resources": {"requests": {"nvidia.com/gpu": str(number)} if number else {}}, **fields}

    sidecar = {"restartPolicy": "Always"}
    return {
        "metadata": {"name": "x", "namespace": namespace},
        "spec": {
            "containers": [container(number) for number in gpus],
            "initContainers": [container(number, **(sidecar if restarts else {})) for number, restarts in init],
        },
        "status": {"phase": phase},
    }


def test_a_ready_node_is_usable() -> None:
    view = NodeView.of(node())
    assert (view.ready, view.reason, view.gpus, view.gpus_capacity) == (True, "", 8, 8)


def test_a_node_that_is_not_ready_or_cordoned_is_not_usable_and_the_reason_is_given() -> None:
    assert "kubelet stopped posting" in NodeView.of(node("Unknown")).reason
    assert "uncordon" in NodeView.of(node(unschedulable=True)).reason
    assert not NodeView.of(node(unschedulable=True)).ready


def test_the_taints_and_allocatable_resources_of_a_node_are_kept() -> None:
    manifest = node(taints=[RESERVED])
    manifest["status"]["allocatable"] |= {"cpu": "7500m", "memory": "5Gi", "odd": 3, "long": "9" * 65}
    view = NodeView.of(manifest)
    assert view.taints == (Taint("team", "", "NoSchedule"),)
    assert view.allocatable == {"cpu": "7500m", "nvidia.com/gpu": "8"}
    assert (view.memory, NodeView.of(node()).memory) == ("5Gi", "0")


def test_the_gpus_of_a_node_are_kept_however_many_resources_it_has() -> None:
    manifest = node()
    devices = {f"example.com/dev-{number:02}": "1" for number in range(40)}
    manifest["status"]["allocatable"] = {**devices, "cpu": "8", "pods": "110", "nvidia.com/gpu": "8"}
    kept = NodeView.of(manifest).allocatable
    assert len(kept) == MAX_RESOURCES
    assert {"cpu", "pods", "nvidia.com/gpu", "example.com/dev-28"} <= kept.keys()


@pytest.mark.parametrize("since", ["", "yesterday", "2199-01-01T00:00:00Z", EXTREME_INSTANTS[0]])
def test_a_node_with_no_possible_time_is_not_ready_since_it_was_seen(since: str) -> None:
    manifest = node("Unknown")
    manifest["status"]["conditions"][0]["lastTransitionTime"] = since
    first = NodeView.of(manifest).with_since(None, NOW)
    second = NodeView.of(manifest).with_since(first, NOW + timedelta(seconds=40))
    assert (first.kubelet_since, second) == (ago(0), first)
    later = NodeView.of(manifest).with_since(NodeView.of(node()), NOW + timedelta(seconds=90))
    assert later.kubelet_since == ago(-90)


@pytest.mark.parametrize("ready", ["True", "False"])
def test_a_possible_time_counts(ready: str) -> None:
    view = NodeView.of(node(ready, since=300))
    assert view.with_since(None, NOW) is view


def test_gpus_are_counted_by_namespace() -> None:
    view = NodeView.of(node(), {"ns": 3, "other": 4})
    assert view.gpus_allocated == 7
    assert view.with_allocated({"ns": 1}).gpus_allocated == 1


def test_a_cordoned_node_is_ready_because_its_pods_run() -> None:
    assert is_ready(node(unschedulable=True))
    assert not is_ready({"metadata": {"name": "new"}})


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(node("False", since=50), ago(50), id="the condition's last transition"),
        pytest.param(
            {"metadata": {"name": "new", "creationTimestamp": ago(9)}},
            ago(9),
            id="a node that has never reported was created then",
        ),
        pytest.param({"metadata": {"name": "n"}}, "", id="no time at all"),
        pytest.param(
            {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "lastTransitionTime": [1]}]}},
            "",
            id="a time that is none",
        ),
    ],
)
def test_since_when_a_kubelet_reports_its_state(manifest: Manifest, expected: str) -> None:
    assert NodeView.of(manifest).kubelet_since == expected


def test_the_states_distinguish_absent_nodes_from_those_that_are_not_known_yet() -> None:
    down, odd = NodeView.of(node("Unknown", since=7)), replace(node_view("odd"), kubelet_ready=False)
    nodes = {"up": NodeView.of(node()), "down": down, "odd": odd, "gone": None, "foreign": None}
    states = NodeStates.of(("up", "down", "odd", "gone", "unasked"), nodes, known=9, not_ready=2)
    assert states.not_ready_since == {"down": NOW - timedelta(seconds=7)}
    assert states.absent == {"gone"}
    assert states.unknown == {"odd", "unasked"}
    assert (states.known, states.not_ready) == (9, 2)


@pytest.mark.parametrize(
    ("pod", "gpus"),
    [
        pytest.param(gpu_pod(1, 2), 3, id="all containers together"),
        pytest.param(gpu_pod(1, init=((2, True),)), 3, id="and its sidecars"),
        pytest.param(gpu_pod(1, init=((8, False), (4, False))), 8, id="or the largest init container"),
        pytest.param(
            gpu_pod(1, init=((2, True), (4, False), (1, True))), 6, id="together with the sidecars started before it"
        ),
        pytest.param(gpu_pod(1, phase="Succeeded"), 0, id="none once it has finished"),
        pytest.param(gpu_pod("1k"), 1000, id="as the API server writes 1000"),
        pytest.param(gpu_pod("2e3", "1Ki"), 3024, id="in any notation"),
        pytest.param(gpu_pod("9" * 60), MAX_GPUS, id="no more than a status can contain"),
        pytest.param(gpu_pod("-4", "many", 2), 2, id="without what is no amount"),
    ],
)
def test_the_gpus_of_a_pod(pod: Manifest, gpus: int) -> None:
    assert gpus_of(pod) == gpus


def test_labels_are_a_mapping() -> None:
    labels = Labels({"b": "2", "a": "1"})
    assert (dict(labels), len(labels), labels.get("c"), labels["b"]) == ({"a": "1", "b": "2"}, 2, None, "2")
    assert labels == Labels({"a": "1", "b": "2"})
    assert labels == {"a": "1", "b": "2"}
    assert labels != Labels({"a": "1"})


def test_a_node_takes_less_than_a_kibibyte() -> None:
    conditions = [
        {"type": type, "status": "True", "message": "m" * 60, "lastTransitionTime": "2026-11-23T12:00:00Z"}
        for type in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    ]

    def manifest(number: int) -> Manifest:
        labels = {f"label.example.com/feature-{index}": f"value-{index}" for index in range(40)}
        images = [{"names": [f"app-{number}-{index}@sha256:{'a' * 64}"]} for index in range(50)]
        found = node(
            name=f"node-{number}", labels={**labels, "kubernetes.io/hostname": f"node-{number}"}, taints=[RESERVED]
        )
        amounts = {f"example.com/device-{index}": "8" for index in range(8)} | {"memory": f"{2**30 + number}Ki"}
        status = {"conditions": conditions, "images": images, "allocatable": amounts}
        return {**found, "status": {**found["status"], **status}}

    # so many that objects on the interpreter's free lists, which are not traced, do not count
    texts = [json.dumps(manifest(number)) for number in range(2000)]
    for shared in (node_view_module.shared_pair, node_view_module.shared_amounts, taints.shared_taints):
        shared.cache_clear()  # how much of them other tests have filled decides when they grow
    NodeView.of(json.loads(texts[0]))
    tracemalloc.start()
    views = [NodeView.of(json.loads(text)) for text in texts]
    size_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size_bytes / len(views) < 1024
