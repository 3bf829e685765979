"""Nodes, allocated GPUs and the capacity of LLMClusters are running sums."""

from datetime import UTC, datetime, timedelta

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.policies.node_loss import lost_nodes
from llmtrain_operator.shell.node_index import GpuPod, NodeIndex
from unit.operator.builders import node

ALL = (ComputePool(name="all"),)


def index() -> NodeIndex:
    """Return an index of two nodes and an LLMCluster."""
    found = NodeIndex()
    found.put(node(name="n1"))
    found.set_pools("a", ALL)
    found.put(node(name="n0", labels={"gpu": "h200"}))
    return found


def gpus(found: NodeIndex) -> tuple[int, int]:
    """Return the allocatable and the allocated GPUs of the LLMCluster."""
    capacity = found.pools["a"].inventory().capacity
    return capacity.gpus, capacity.gpus_allocated


def test_the_pools_follow_each_node_and_pod() -> None:
    found = index()
    assert gpus(found) == (16, 0)
    found.set_pod("u", GpuPod("n0", "team", 2))
    assert gpus(found) == (16, 2)
    assert found.put(node("False", name="n0"))
    assert gpus(found) == (8, 0)
    assert found.remove("n1")
    assert gpus(found) == (0, 0)
    assert not found.remove("n1")
    found.set_pools("a", None)
    assert found.pools == {}


def test_pools_that_stay_the_same_are_not_counted_again() -> None:
    found = index()
    pools = found.pools["a"]
    found.set_pools("a", (ComputePool(name="all"),))
    assert found.pools["a"] is pools


def test_only_what_nodes_offer_matters_to_jobs_that_wait() -> None:
    found = index()
    offers = found.offers
    found.set_pod("u", GpuPod("n0", "team", 2))
    found.put(
        {**node(name="n0"), "spec": {"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]}}
    )
    assert found.offers > offers, "its labels have changed"
    offers = found.offers
    found.put(node("False", name="n2"))
    assert found.offers == offers, "a node that is not ready offers nothing"
    found.put(node(name="n2"))
    assert found.offers == offers + 1


def test_nodes_that_are_not_ready_are_kept_by_name() -> None:
    found = index()
    found.put(node("False", name="n0"))
    found.put(node("Unknown", name="n1"))
    assert found.unready == {"n0", "n1"}
    found.put(node(name="n0"))
    found.remove("n1")
    assert not found.unready


def test_a_node_that_is_not_ready_without_a_time_is_lost_after_a_while() -> None:
    found, gone = NodeIndex(), node("Unknown", name="n0")
    del gone["status"]["conditions"][0]["lastTransitionTime"]
    assert found.put(gone)
    assert not found.put(gone), "it is the same node"
    states = NodeStates.of({"n0"}, found.nodes, known=3, not_ready=1)
    now = datetime.now(UTC)
    assert not lost_nodes(states, node_seconds=40, now=now)
    assert lost_nodes(states, node_seconds=40, now=now + timedelta(seconds=40)) == {"n0"}


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
