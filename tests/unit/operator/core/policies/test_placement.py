"""Which compute pool a job is placed in."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.placement import (
    can_grow,
    can_have,
    fitting_workers,
    most_gpus,
    place,
    preferred_pools,
)
from llmtrain_operator.core.pools import Capacity
from unit.operator.builders import CLUSTER as VOLUMES
from unit.operator.builders import DATASET, conditions, job, names, pod, snapshot, started

RESERVED = {"name": "reserved", "nodeSelector": {"kind": "reserved"}, "nodes": 4, "gpusPerNode": 8}
SPOT = {"name": "spot", "nodeSelector": {"kind": "spot"}, "maxNodes": 4, "gpusPerNode": 8}
CPU = {"name": "cpu", "nodeSelector": {"kind": "cpu"}, "nodes": 2}
CLUSTER = ClusterSpec.model_validate({"computePools": [RESERVED, SPOT, CPU]})
FREE = Capacity(nodes=4, usable=4, as_expected=4, gpus=32)
FULL = Capacity(nodes=4, usable=4, as_expected=4, gpus=32, gpus_allocated=30)
TWO_CPU_NODES = Capacity(nodes=2, usable=2, as_expected=2)


def workers(**fields: Any) -> Any:
    default = {"replicas": 2, "gpus": 8}
    return job(workers={**default, **fields}, training={"steps": 1, "microbatches": 64}).spec.workers


def placed(status: str = "", cluster: ClusterSpec | None = CLUSTER, *, capacities: Any, **fields: Any) -> str | None:
    pool = place(workers(**fields), JobStatus(pool=status), cluster, capacities)
    return pool.name if pool else None


@pytest.mark.parametrize(
    ("capacities", "fields", "expected"),
    [
        pytest.param({"reserved": FREE, "spot": FREE}, {}, "reserved", id="the first one with enough free GPUs"),
        pytest.param(
            {"reserved": FREE, "spot": FREE}, {"pools": ["spot", "reserved"]}, "spot", id="in the order of the job"
        ),
        pytest.param({"reserved": FULL, "spot": FREE}, {}, "spot", id="the next one if the first has too few free"),
        pytest.param({"reserved": FULL}, {}, "spot", id="one that can grow from zero before one that is full"),
        pytest.param({"reserved": FULL}, {"pools": ["reserved"]}, "reserved", id="only a pool that the job lists"),
        pytest.param({"reserved": FULL, "spot": FULL}, {}, "reserved", id="the first one if all are full"),
        pytest.param({}, {}, "spot", id="one that can grow while no node exists"),
        pytest.param({"cpu": TWO_CPU_NODES}, {"gpus": 0}, "cpu", id="for a job without GPUs the first with nodes"),
        pytest.param(
            {"reserved": FREE, "spot": FULL},
            {"nodeSelector": {"kind": "spot"}},
            "spot",
            id="one whose nodes can have the labels that the job selects",
        ),
        pytest.param(
            {"reserved": FULL, "spot": Capacity(nodes=4, usable=4, gpus=32, gpus_allocated=16)},
            {"replicas": 5},
            "spot",
            id="one with free GPUs for the least number of workers if none can have all",
        ),
    ],
)
def test_a_job_is_placed_in(capacities: dict[str, Capacity], fields: dict[str, Any], expected: str) -> None:
    assert placed(capacities=capacities, **fields) == expected


def test_a_job_stays_in_its_pool_as_long_as_that_exists() -> None:
    assert placed("reserved", capacities={"reserved": FULL, "spot": FREE}) == "reserved"
    assert placed("dissolved", capacities={"reserved": FULL, "spot": FREE}) == "spot"


def test_an_llmcluster_without_pools_places_nothing() -> None:
    assert placed(cluster=ClusterSpec(), capacities={}) is None
    assert placed(cluster=None, capacities={}) is None


def test_a_pool_is_listed_once() -> None:
    assert [pool.name for pool in preferred_pools(workers(pools=["spot", "cpu", "spot"]), CLUSTER)] == ["spot", "cpu"]


@pytest.mark.parametrize(
    ("pool", "capacity", "most"),
    [
        pytest.param(2, Capacity(gpus=16), 16, id="the GPUs of its nodes, if no others are expected"),
        pytest.param(0, Capacity(gpus=16), 32, id="those of all nodes that the LLMCluster expects"),
        pytest.param(0, Capacity(gpus=40), 40, id="those of its nodes, if there are more than expected"),
        pytest.param(1, Capacity(), 32, id="those of all nodes that an autoscaler can add"),
        pytest.param(2, Capacity(), 0, id="none"),
    ],
)
def test_the_most_gpus_that_a_pool_can_have(pool: int, capacity: Capacity, most: int) -> None:
    found = CLUSTER.compute_pools[pool]
    assert most_gpus(found, capacity) == most
    assert can_have(found, capacity, most)
    assert not can_have(found, capacity, most + 1)


def test_a_pool_that_grows_by_nodes_of_unknown_size_can_have_any_number() -> None:
    (pool,) = ClusterSpec.model_validate({"computePools": [{"name": "x", "maxNodes": 2}]}).compute_pools
    assert most_gpus(pool, Capacity()) is None
    assert can_have(pool, Capacity(), 1000)
    assert can_grow(pool, Capacity(nodes=1), 1000)
    assert not can_grow(pool, Capacity(nodes=2), 1)


@pytest.mark.parametrize(
    ("fields", "capacity", "expected"),
    [
        pytest.param({"replicas": 3}, FREE, 3, id="all of them"),
        pytest.param({"replicas": 9}, FREE, 4, id="as many as the pool has GPUs for"),
        pytest.param({"replicas": 9}, FULL, 4, id="also if others have them now"),
        pytest.param({"replicas": 9, "min": 6}, FREE, 6, id="at least min"),
        pytest.param({"replicas": 9, "gpus": 0}, FREE, 9, id="without GPUs there is no limit"),
    ],
)
def test_how_many_workers_can_run_at_once(fields: dict[str, Any], capacity: Capacity, expected: int) -> None:
    assert fitting_workers(workers(**fields), CLUSTER.compute_pools[0], capacity) == expected
    assert fitting_workers(workers(**fields), None, capacity) == fields["replicas"]


def test_a_pool_grows_only_by_the_nodes_that_it_lacks() -> None:
    spot = CLUSTER.compute_pools[1]
    assert can_grow(spot, Capacity(nodes=3, gpus=24, gpus_allocated=24), 8)
    assert not can_grow(spot, Capacity(nodes=3, gpus=24, gpus_allocated=24), 9)
    assert not can_grow(spot, Capacity(nodes=4, gpus=32), 8)


def test_all_pods_of_a_job_are_placed_in_the_pool_that_its_status_names() -> None:
    pools = [{"name": name, "nodeSelector": {"pool": name}, "nodes": 1} for name in ("a", "b")]
    cluster = ClusterSpec.model_validate({**VOLUMES.document(), "computePools": pools})
    capacities = {"b": Capacity(nodes=1, usable=1)}
    first = plan_job(snapshot(cluster=cluster, capacities=capacities))
    assert first.status.pool == "b", "the first one with nodes"
    second = plan_job(snapshot(job(started(pool="b", dataset=DATASET)), cluster=cluster, capacities={}))
    pods = [manifest for manifest in (*first.apply, *second.apply) if manifest["kind"] == "Pod"]
    assert [pod["metadata"]["name"] for pod in pods] == ["j-prepare", "j-coordinator", "j-worker-0", "j-worker-1"]
    assert [pod["spec"]["nodeSelector"] for pod in pods] == [{"pool": "b"}] * 4


def in_pool(name: str, *, pods: Any, cluster: ClusterSpec | None, **fields: Any) -> Any:
    """Return the plan of a job that trains in a pool."""
    status = started(dataset=DATASET, stage="Training", pool=name, coordinatorTerm=1)
    capacities = {"b": Capacity(nodes=1, usable=1)}
    return plan_job(snapshot(job(status), pods=pods, cluster=cluster, capacities=capacities, **fields))


def with_pools(*names: str) -> ClusterSpec:
    pools = [{"name": name, "nodeSelector": {"pool": name}, "nodes": 1} for name in names]
    return ClusterSpec.model_validate({**VOLUMES.document(), "computePools": pools})


RUNNING = (pod("j-worker-0"), pod("j-coordinator", "coordinator"))
SELECTED = tuple(
    replace(each, manifest={**each.manifest, "spec": {**each.manifest["spec"], "nodeSelector": {"pool": "a"}}})
    for each in RUNNING
)


@pytest.mark.parametrize(
    ("cluster", "error", "reason", "text"),
    [
        pytest.param(with_pools("b"), "", "PoolNotFound", "no compute pool 'a' any more", id="the pool is removed"),
        pytest.param(None, "", "ClusterNotFound", "does not exist any more", id="the LLMCluster is deleted"),
        pytest.param(None, "a field", "Unreadable", "cannot read LLMCluster", id="the LLMCluster cannot be read"),
    ],
)
def test_a_running_job_whose_pool_is_gone_gets_no_pods_elsewhere_and_says_so(
    cluster: ClusterSpec | None, error: str, reason: str, text: str
) -> None:
    plan = in_pool("a", pods=SELECTED, cluster=cluster, cluster_error=error)
    assert names(plan.apply) == []
    assert plan.delete == ()
    assert plan.status.pool == "a"
    scheduled = conditions(plan.status)["Scheduled"]
    assert (scheduled.status, scheduled.reason) == ("False", reason)
    assert text in scheduled.message
    assert "new ones wait for its compute pool 'a'" in scheduled.message
    back = in_pool("a", pods=SELECTED, cluster=with_pools("a", "b"))
    assert "Pod j-worker-1" in names(back.apply)


def test_a_job_without_running_pods_is_placed_again_when_its_pool_is_gone() -> None:
    plan = in_pool("a", pods=(), cluster=with_pools("b"))
    assert plan.status.pool == "b"
    pods = [manifest for manifest in plan.apply if manifest["kind"] == "Pod"]
    assert [pod["spec"]["nodeSelector"] for pod in pods] == [{"pool": "b"}] * 3
    nowhere = in_pool("a", pods=(), cluster=VOLUMES)
    assert nowhere.status.pool == ""
    assert "Pod j-worker-1" in names(nowhere.apply)


def test_a_running_job_outlives_its_llmcluster_if_its_pool_selects_no_nodes() -> None:
    plan = in_pool("a", pods=RUNNING, cluster=None)
    assert "Pod j-worker-1" in names(plan.apply)
    assert plan.status is None or plan.status.pool == "a"
