"""Placement: which compute pool the pods of a job are placed in. All are placed in one, whose network they share.

The pool is chosen when the job starts or is resumed, and kept until it is suspended: the first one in order of preference that
has enough free GPUs now; else the first one that an autoscaler can bring to enough; else the first one that can have enough
when other pods end. Enough is what all workers need; if no pool can have that, what `min` workers need. Pods are created even if they must wait: only pending pods make an autoscaler add nodes.
"""

from collections.abc import Mapping

from llmtrain_api.cluster import ClusterSpec, ComputePool
from llmtrain_api.job_status import JobStatus
from llmtrain_api.workers import Workers
from llmtrain_operator.core.pools import NO_CAPACITY, Capacity


def preferred_pools(workers: Workers, cluster: ClusterSpec) -> tuple[ComputePool, ...]:
    """Return the pools that the job can be placed in, in order of preference: those that it lists, or all.

    A pool whose nodes cannot have the labels that the job selects is left out.
    """
    pools = {pool.name: pool for pool in cluster.compute_pools}
    names = dict.fromkeys(workers.pools) if workers.pools else pools
    return tuple(pools[name] for name in names if name in pools and not contradicts(workers, pools[name]))


def contradicts(workers: Workers, pool: ComputePool) -> bool:
    """Return whether the job selects another value of a label than the pool."""
    selector = pool.node_selector
    return any(selector.get(key, value) != value for key, value in workers.node_selector.items())


def place(
    workers: Workers, status: JobStatus, cluster: ClusterSpec | None, capacities: Mapping[str, Capacity]
) -> ComputePool | None:
    """Return the pool of the job: the one that its status names, or else the best one; None if there is none."""
    pools = preferred_pools(workers, cluster) if cluster else ()
    placed = next((pool for pool in cluster.compute_pools if pool.name == status.pool), None) if cluster else None
    if placed is not None:
        return placed
    offers = [(pool, capacities.get(pool.name, NO_CAPACITY)) for pool in pools]
    tests = (
        lambda pool, capacity, gpus: capacity.usable > 0 and capacity.gpus - capacity.gpus_allocated >= gpus,
        lambda pool, capacity, gpus: pool.max_nodes is not None and can_grow(pool, capacity, gpus),
        can_have,
    )
    required = (gpus_required(workers, count) for count in (workers.replicas, workers.min))
    fitting = (pool for gpus in required for test in tests for pool, capacity in offers if test(pool, capacity, gpus))
    return next(fitting, pools[0] if pools else None)


def gpus_required(workers: Workers, count: int) -> int:
    """Return the GPUs of so many workers together."""
    return count * workers.gpus


def fitting_workers(workers: Workers, pool: ComputePool | None, capacity: Capacity) -> int:
    """Return how many workers can run at once in a pool when all its nodes are there, but at least `min`."""
    most = most_gpus(pool, capacity) if pool is not None and workers.gpus else None
    return workers.replicas if most is None else max(workers.min, min(workers.replicas, most // workers.gpus))


def can_have(pool: ComputePool, capacity: Capacity, gpus: int) -> bool:
    """Return whether a pool can have so many GPUs, now or when all its nodes are there."""
    return (most := most_gpus(pool, capacity)) is None or gpus <= most


def most_gpus(pool: ComputePool, capacity: Capacity) -> int | None:
    """Return the most GPUs that a pool can have: those of its nodes, or of all that the LLMCluster expects.

    None if an autoscaler adds nodes of which the LLMCluster does not say how many GPUs they have.
    """
    if pool.max_nodes and not pool.gpus_per_node:
        return None
    return max(capacity.gpus, max(pool.nodes, pool.max_nodes or 0) * pool.gpus_per_node)


def can_grow(pool: ComputePool, capacity: Capacity, gpus: int) -> bool:
    """Return whether a pool has so many free GPUs when an autoscaler has added all nodes that it can add."""
    if not pool.gpus_per_node:
        return (pool.max_nodes or 0) > capacity.nodes
    added = max(0, (pool.max_nodes or 0) - capacity.nodes) * pool.gpus_per_node
    return added > 0 and capacity.gpus - capacity.gpus_allocated + added >= gpus
