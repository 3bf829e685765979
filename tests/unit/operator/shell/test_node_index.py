"""Nodes, allocated GPUs and the capacity of LLMClusters are running sums."""

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.shell.node_index import GpuPod, NodeIndex
from unit.operator.builders import node

ALL = (ComputePool(name="all"),)
H200 = (ComputePool.model_validate({"name": "h200", "nodeSelector": {"gpu": "h200"}}), *ALL)


def index() -> NodeIndex:
    """Return an index of two nodes and two LLMClusters."""
    found = NodeIndex()
    found.set_pools("a", ALL)
    found.put(node(name="n1"))
    found.put(node(name="n0", labels={"gpu": "h200"}))
    found.set_pools("b", H200)
    return found


def test_the_capacity_follows_each_node() -> None:
    found = index()
    assert found.capacity == {"a": 16, "b": 16}, "a node of two pools counts once"
    assert found.put(node("False", name="n0"))
    assert found.capacity == {"a": 8, "b": 8}
    assert found.remove("n1")
    assert found.capacity == {"a": 0, "b": 0}
    assert not found.remove("n1")
    found.set_pools("a", None)
    assert found.capacity == {"b": 0}


def test_nodes_that_are_not_ready_are_kept_by_name() -> None:
    found = index()
    found.put(node("False", name="n0"))
    found.put(node("Unknown", name="n1"))
    assert found.unready == {"n0", "n1"}
    found.put(node(name="n0"))
    found.remove("n1")
    assert not found.unready


def test_a_heartbeat_is_no_change() -> None:
    assert not index().put({**node(name="n1"), "heartbeat": "2026-11-23T12:00:00Z"})


def test_nodes_are_ordered_by_name_and_collected_once() -> None:
    found = index()
    assert [view.name for view in found.views()] == ["n0", "n1"]
    assert found.views() is found.views()


def test_allocated_gpus_follow_each_pod() -> None:
    found = index()
    assert found.set_pod("u", GpuPod("n0", "team", 2))
    assert not found.set_pod("u", GpuPod("n0", "team", 2))
    found.set_pod("v", GpuPod("n0", "other", 1))
    assert (found.views()[0].gpus_allocated, found.gpus_on("n0")) == (3, {"team": 2, "other": 1})
    found.set_pod("u", GpuPod("n1", "team", 4))
    assert [view.gpus_allocated for view in found.views()] == [1, 4]
    found.set_pod("u", None)
    found.set_pod("v", None)
    assert found.gpus_by_node == {}
    assert found.gpu_pods == {}


def test_pods_can_be_known_before_their_node() -> None:
    found = NodeIndex()
    found.set_pod("u", GpuPod("n", "team", 2))
    found.put(node(name="n"))
    assert found.nodes["n"].gpus_by_namespace == {"team": 2}


def test_a_pod_without_a_node_or_gpus_holds_nothing() -> None:
    requests = {"resources": {"requests": {"nvidia.com/gpu": "1k"}}}
    assert GpuPod.of({"spec": {"containers": [requests]}}) is None
    assert GpuPod.of({"spec": {"nodeName": "n"}}) is None
    assert GpuPod.of({"spec": {"nodeName": "n", "containers": [requests]}}) == GpuPod("n", "", 1000)
