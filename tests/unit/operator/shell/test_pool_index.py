"""Compute pools are running sums over their nodes."""

import random
from dataclasses import replace
from typing import Any

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pools import Capacity
from llmtrain_operator.core.taints import Taint
from llmtrain_operator.shell.pool_index import PoolIndex
from unit.operator.builders import job, node_view

TEAM = {"key": "team", "operator": "Exists"}
ALL = ComputePool(name="all")
H200 = ComputePool.model_validate(
    {"name": "h200", "nodeSelector": {"gpu": "h200"}, "expect": {"allocatable": {"rdma/hca": "8"}}}
)
COMPLETE = replace(node_view("n1", gpu="h200", allocated=2), allocatable={"rdma/hca": "8"})


def test_a_node_of_two_pools_counts_once_in_the_llmcluster() -> None:
    inventory = PoolIndex((ALL, H200), [COMPLETE, node_view("n2")]).inventory()
    assert inventory.pools["all"].capacity == Capacity(nodes=2, usable=2, as_expected=2, gpus=16, gpus_allocated=2)
    assert inventory.pools["h200"].capacity == Capacity(nodes=1, usable=1, as_expected=1, gpus=8, gpus_allocated=2)
    assert inventory.capacity == inventory.pools["all"].capacity


def test_what_is_wrong_with_nodes_is_kept_by_pool() -> None:
    tainted = replace(COMPLETE, name="n3", taints=(Taint("team", "", "NoSchedule"),))
    index = PoolIndex((ALL, H200), [node_view("n1", gpu="h200"), node_view("n2", ready=False), tainted])
    pools = index.inventory().pools
    assert (pools["all"].unusable, pools["all"].lacking) == ({"n2": "cordoned"}, {})
    assert list(pools["h200"].unusable) == ["n3"], "a pool with labels names nodes that it does not tolerate"
    assert pools["h200"].lacking == {"n1": "rdma/hca 0 of 8"}
    index.replace(node_view("n1", gpu="h200"), COMPLETE)
    index.replace(node_view("n2", ready=False), None)
    assert (index.inventory().pools["all"].unusable, index.inventory().pools["h200"].lacking) == ({}, {})


def test_capacities_are_those_of_the_nodes_that_a_job_tolerates() -> None:
    index = PoolIndex((ALL,), [node_view("n1"), node_view("n2", ordinary=False)])
    tolerant = job(workers={"tolerations": [TEAM]}).spec.workers
    assert index.capacities(job().spec.workers)["all"].gpus == 8
    assert index.capacities(tolerant)["all"].gpus == 16


def test_a_change_that_offers_no_job_more_or_less_is_none() -> None:
    index = PoolIndex((H200,), [COMPLETE])
    assert not index.replace(COMPLETE, replace(COMPLETE, gpus_allocated=8))
    assert not index.replace(None, node_view("n2")), "it is of no pool"
    assert index.replace(COMPLETE, replace(COMPLETE, gpus=7))
    assert index.replace(replace(COMPLETE, gpus=7), None)


def random_node(chance: random.Random, name: str) -> NodeView:
    fields: dict[str, Any] = {"ready": chance.random() < 0.7, "ordinary": chance.random() < 0.7}
    labels = {"gpu": "h200"} if chance.random() < 0.5 else {}
    return node_view(name, gpus=chance.randint(0, 8), allocated=chance.randint(0, 8), **fields, **labels)


def test_sums_equal_those_of_an_index_made_from_all_nodes() -> None:
    chance = random.Random(1)
    index, nodes = PoolIndex((ALL, H200), []), dict[str, NodeView]()
    for _ in range(500):
        name = f"n{chance.randint(0, 9)}"
        after = random_node(chance, name) if chance.random() < 0.8 else None
        index.replace(nodes.pop(name, None), after)
        if after is not None:
            nodes[name] = after
        rebuilt = PoolIndex((ALL, H200), nodes.values())
        assert index.inventory() == rebuilt.inventory()
        assert index.by_taints == rebuilt.by_taints
