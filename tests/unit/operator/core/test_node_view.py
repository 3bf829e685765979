"""A node as decisions see it: whether pods can run there, whether it is lost, and its GPUs."""

from typing import Any

import pytest

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import NodeView, gpus_capacity, gpus_of, is_ready, lost_nodes, nodes_of
from unit.operator.builders import node

CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
RESERVED = {"key": "team", "effect": "NoSchedule"}
PREFERRED = {"key": "team", "effect": "PreferNoSchedule"}


def gpu_pod(
    *gpus: int, init: tuple[tuple[int, bool], ...] = (), namespace: str = "ns", phase: str = "Running"
) -> Manifest:
    """Return a pod whose containers request GPUs; those of `init` are (GPUs, whether it is a sidecar)."""

    def container(number: int, **fields: str) -> dict[str, Any]:
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


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(node(), True, id="a plain node"),
        pytest.param(node(taints=[RESERVED]), False, id="a node with a taint"),
        pytest.param(node(taints=[PREFERRED]), True, id="a taint that only prefers other nodes"),
        pytest.param(node(taints=[CORDONED], unschedulable=True), True, id="a cordoned node keeps its pool"),
        pytest.param(node("Unknown", taints=[CORDONED, RESERVED]), False, id="a cordoned node with a taint"),
        pytest.param(
            node("Unknown", labels={"node-role.kubernetes.io/control-plane": ""}), False, id="the control plane"
        ),
    ],
)
def test_ordinary_pods_can_run_there(manifest: Manifest, expected: bool) -> None:
    assert NodeView.of(manifest).schedulable_by_default is expected


def test_gpus_are_counted_by_namespace() -> None:
    view = NodeView.of(node(), [gpu_pod(2), gpu_pod(1), gpu_pod(4, namespace="other")])
    assert view.gpus_allocated == 7
    assert view.gpus_by_namespace == {"ns": 3, "other": 4}


def test_a_node_is_lost_when_it_is_not_ready_or_does_not_exist() -> None:
    nodes = {"a": node(), "b": node("False"), "c": node(unschedulable=True)}
    assert lost_nodes(["a", "b", "c", "d"], nodes) == {"b", "d"}
    assert is_ready(node(unschedulable=True)), "a cordoned node still runs its pods"
    assert not is_ready({"metadata": {"name": "new"}})


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
    ],
)
def test_the_gpus_of_a_pod(pod: Manifest, gpus: int) -> None:
    assert gpus_of(pod) == gpus


def test_a_pool_has_the_nodes_with_its_labels_or_else_all_ordinary_ones() -> None:
    nodes = tuple(NodeView.of(manifest) for manifest in (node(name="a"), node(name="b", labels={"gpu": "h200"})))
    control_plane = NodeView.of(node(name="c", taints=[RESERVED]))
    everything = ComputePool(name="all")
    h200 = ComputePool.model_validate({"name": "h200", "nodeSelector": {"gpu": "h200"}})
    assert [found.name for found in nodes_of(everything, (*nodes, control_plane))] == ["a", "b"]
    assert [found.name for found in nodes_of(h200, (*nodes, control_plane))] == ["b"]
    assert gpus_capacity([everything, h200], nodes) == 16, "a node of two pools counts once"
