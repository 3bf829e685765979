"""Which nodes a compute pool has, and what they lack."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pools import (
    Capacity,
    capacity_for,
    job_tolerations,
    member_of,
    missing_from,
    nodes_of,
    pool_capacity,
)
from llmtrain_operator.core.taints import Taint
from unit.operator.builders import job, node_view

TEAM = {"key": "team", "operator": "Exists"}
GPU_TAINT = Taint("nvidia.com/gpu", "present", "NoSchedule")
PLAIN, TAINTED = node_view("plain"), node_view("tainted", ordinary=False, gpu="h200")
WITH_GPU_TAINT = replace(node_view("gpu"), taints=(GPU_TAINT,))
NODES = (PLAIN, TAINTED, WITH_GPU_TAINT)


def pool(**fields: Any) -> ComputePool:
    return ComputePool.model_validate({"name": "x", **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, ["plain", "gpu"], id="without labels those whose taints its pods tolerate"),
        pytest.param({"tolerations": [TEAM]}, ["plain", "tainted", "gpu"], id="also by the pool's tolerations"),
        pytest.param({"nodeSelector": {"gpu": "h200"}}, ["tainted"], id="with labels those that have them"),
    ],
)
def test_the_nodes_of_a_pool(fields: dict[str, Any], expected: list[str]) -> None:
    assert [node.name for node in nodes_of(pool(**fields), NODES)] == expected


def test_a_node_whose_taint_the_pool_does_not_tolerate_is_unusable() -> None:
    labelled = pool(nodeSelector={"gpu": "h200"})
    member = member_of(TAINTED, labelled)
    assert member is not None
    assert member.unusable == "the pool does not tolerate its taint team:NoSchedule; add it to the pool's tolerations"
    assert pool_capacity(labelled, {TAINTED.taints: member.share}) == Capacity()
    tolerant = member_of(TAINTED, pool(nodeSelector={"gpu": "h200"}, tolerations=[TEAM]))
    assert tolerant is not None
    assert not tolerant.unusable
    assert member_of(PLAIN, labelled) is None


def test_nodes_are_counted_by_what_the_job_tolerates() -> None:
    by_taints = {(): Capacity(gpus=1), (GPU_TAINT,): Capacity(gpus=2), TAINTED.taints: Capacity(gpus=4)}

    def gpus(**workers: Any) -> int:
        tolerations = job_tolerations(job(workers=workers, training={"steps": 1}).spec.workers, pool())
        return capacity_for(tolerations, by_taints).gpus

    assert gpus(gpus=0) == 1
    assert gpus(gpus=1) == 3
    assert gpus(gpus=1, tolerations=[TEAM]) == 7


FULL = replace(
    node_view("n", gpu="h200"),
    allocatable={"cpu": "191500m", "nvidia.com/gpu": "8", "rdma/hca": "4"},
    memory="1981Gi",
)


@pytest.mark.parametrize(
    ("node", "fields", "expected"),
    [
        pytest.param(FULL, {"gpusPerNode": 8}, "", id="nothing"),
        pytest.param(
            FULL, {"expect": {"allocatable": {"cpu": "180", "memory": "1900Gi"}}}, "", id="more than expected"
        ),
        pytest.param(
            FULL,
            {"expect": {"allocatable": {"cpu": "192", "rdma/hca": "8", "hugepages-2Mi": "1Gi"}}},
            "cpu 191500m of 192, rdma/hca 4 of 8, hugepages-2Mi 0 of 1Gi",
            id="resources",
        ),
        pytest.param(PLAIN, {"gpusPerNode": 8}, "nvidia.com/gpu 0 of 8", id="GPUs"),
        pytest.param(
            FULL,
            {"expect": {"labels": {"gpu": "b200", "rack": "7"}}},
            "label gpu is 'h200' instead of 'b200', label rack=7",
            id="labels",
        ),
        pytest.param(
            replace(FULL, allocatable={"cpu": "many"}),
            {"expect": {"allocatable": {"cpu": "1"}}},
            "cpu many of 1",
            id="an amount that cannot be read",
        ),
    ],
)
def test_what_a_node_lacks(node: NodeView, fields: dict[str, Any], expected: str) -> None:
    assert missing_from(node, pool(**fields)) == expected


def test_capacities_add_up() -> None:
    one = Capacity(nodes=1, usable=1, as_expected=1, gpus=8, gpus_allocated=3)
    assert one.plus(one).plus(one, -1) == one
