"""Inventory and claims of an LLMCluster."""

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_operator.core.cluster import plan_cluster
from llmtrain_operator.core.snapshot import ClusterSnapshot, NodeView
from unit.operator.builders import NOW


def node(
    name: str, ready: bool = True, ordinary: bool = True, gpus: int = 8, allocated: int = 0, **labels: str
) -> NodeView:
    return NodeView(
        name=name,
        labels=labels,
        ready=ready,
        reason="" if ready else "cordoned",
        schedulable_by_default=ordinary,
        gpus=gpus,
        gpus_allocated=allocated,
    )


NODES = (node("a", kind="big", allocated=3), node("b", ready=False), node("control", ordinary=False, gpus=0))


def plan(spec: dict, **fields) -> object:
    return plan_cluster(
        ClusterSnapshot(
            now=NOW,
            name="c",
            uid="u",
            metadata_generation=1,
            spec=ClusterSpec.model_validate(spec),
            status=ClusterStatus(),
            nodes=NODES,
            **{"claims": {}, **fields},
        )
    )


def test_pools_are_counted_by_selector() -> None:
    pools = [
        {"name": "all", "nodes": 2, "gpusPerNode": 8},
        {"name": "big", "nodeSelector": {"kind": "big"}, "nodes": 1},
    ]
    status = plan({"computePools": pools}).status
    everything, big = status.pools
    assert (everything.nodes_ready, everything.gpus_capacity, everything.gpus_allocated) == (1, 8, 3)
    assert everything.not_ready == ["b: cordoned"]
    assert big.nodes_ready == 1
    assert (status.nodes_ready, status.gpus_capacity) == (1, 8), "a node of two pools counts once"
    assert status.conditions[0].status == "False"
    assert "pool all has 1 of 2 nodes and 8 of 16 GPUs" in status.conditions[0].message


def test_each_tenant_gets_a_claim_of_each_pool_it_lacks() -> None:
    spec = {
        "storagePools": [{"name": "x", "size": "5Gi"}, {"name": "y"}],
        "tenants": [{"namespace": "t"}, {"namespace": "gone"}],
    }
    there = {("t", "x"): {"status": {"phase": "Bound"}}}
    result = plan(spec, claims=there, missing_namespaces=frozenset({"gone"}))
    assert [(m["metadata"]["namespace"], m["metadata"]["name"]) for m in result.apply] == [("t", "y")]
    assert [(c.namespace, c.name, c.phase) for c in result.status.claims] == [
        ("t", "x", "Bound"),
        ("t", "y", "Pending"),
        ("gone", "x", "Missing"),
        ("gone", "y", "Missing"),
    ]
    assert result.requeue_after is not None
