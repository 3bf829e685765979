"""Compute pools: which nodes belong to one, what these lack, and what they offer together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llmtrain_api.cluster import ComputePool
from llmtrain_api.names import GPU_RESOURCE
from llmtrain_api.quantity import parse_quantity
from llmtrain_api.workers import Toleration, Workers
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.taints import Taints, untolerated

GPU_TOLERATION = Toleration(key=GPU_RESOURCE, operator="Exists")
"""Clouds taint nodes with GPUs by the name of the resource. Pods of jobs with GPUs tolerate that, as with the admission plugin
ExtendedResourceToleration of Kubernetes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """What some nodes offer together. Capacities can be added and subtracted."""

    nodes: int = 0
    """Nodes that exist."""
    usable: int = 0
    """Nodes where pods can run now."""
    as_expected: int = 0
    """Usable nodes that have what their pool expects of each."""
    gpus: int = 0
    """Allocatable GPUs of the usable nodes."""
    gpus_allocated: int = 0
    """GPUs of the usable nodes that pods request, or jobs whose pods are not scheduled yet."""

    def plus(self, other: "Capacity", sign: int = 1) -> "Capacity":
        """Return the sum of two capacities, or the difference if `sign` is -1."""
        return Capacity(
            nodes=self.nodes + sign * other.nodes,
            usable=self.usable + sign * other.usable,
            as_expected=self.as_expected + sign * other.as_expected,
            gpus=self.gpus + sign * other.gpus,
            gpus_allocated=self.gpus_allocated + sign * other.gpus_allocated,
        )


NO_CAPACITY = Capacity()


@dataclass(frozen=True, kw_only=True)
class PoolInventory:
    """The nodes of one compute pool."""

    capacity: Capacity = NO_CAPACITY
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Nodes where pods cannot run, with the reason."""
    lacking: Mapping[str, str] = field(default_factory=dict)
    """Nodes where pods can run that do not have what the pool expects, with what they lack."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The nodes of an LLMCluster."""

    pools: Mapping[str, PoolInventory] = field(default_factory=dict)
    """Compute pools, by name."""
    capacity: Capacity = NO_CAPACITY
    """All pools together; a node of two pools counts once."""


def job_tolerations(workers: Workers, pool: ComputePool | None) -> tuple[Toleration, ...]:
    """Return what the pods of a job tolerate in a pool: the pool's taints, the job's own, and that of GPU nodes."""
    gpu = (GPU_TOLERATION,) if workers.gpus else ()
    of_pool = pool.tolerations if pool else ()
    return tuple(
        {toleration.model_dump_json(): toleration for toleration in (*of_pool, *workers.tolerations, *gpu)}.values()
    )


def has_labels(node: NodeView, pool: ComputePool) -> bool:
    """Return whether a node has the labels that select the nodes of a pool."""
    return all(node.labels.get(key) == value for key, value in pool.node_selector.items())


def is_in_pool(node: NodeView, pool: ComputePool) -> bool:
    """Return whether a node belongs to a pool: it has the pool's labels; or without any, the pool tolerates its taints."""
    return has_labels(node, pool) if pool.node_selector else not repelling_taints(node, pool)


def repelling_taints(node: NodeView, pool: ComputePool) -> Taints:
    """Return the taints of a node that keep all pods of the pool away."""
    return untolerated((*pool.tolerations, GPU_TOLERATION), node.taints)


def nodes_of(pool: ComputePool, nodes: Iterable[NodeView]) -> tuple[NodeView, ...]:
    """Return the nodes of a pool."""
    return tuple(node for node in nodes if is_in_pool(node, pool))


def unusable_reason(node: NodeView, pool: ComputePool) -> str:
    """Return why pods that are placed in the pool cannot run on a node of it; empty if they can."""
    if node.reason:
        return node.reason
    taints = ", ".join(str(taint) for taint in repelling_taints(node, pool))
    return f"the pool does not tolerate its taint {taints}; add it to the pool's tolerations" if taints else ""


def missing_from(node: NodeView, pool: ComputePool) -> str:
    """Return what a node lacks of what its pool expects of each, such as "rdma/hca 4 of 8"; empty if nothing."""
    labels = (
        f"label {key} is '{node.labels[key]}' instead of '{value}'" if key in node.labels else f"label {key}={value}"
        for key, value in pool.expect.labels.items()
        if node.labels.get(key) != value
    )
    expected = expected_amounts(pool).items()
    found = ((name, amount_of(node, name), amount) for name, amount in expected)
    amounts = (f"{name} {has} of {amount}" for name, has, amount in found if is_less(has, amount))
    return ", ".join((*labels, *amounts))


def amount_of(node: NodeView, resource: str) -> str:
    """Return the allocatable amount of a resource, as a quantity; 0 if the node has none."""
    return node.memory if resource == "memory" else node.allocatable.get(resource, "0")


def expected_amounts(pool: ComputePool) -> dict[str, str]:
    """Return the least allocatable amount of each resource that each node of a pool must have."""
    gpus = {GPU_RESOURCE: str(pool.gpus_per_node)} if pool.gpus_per_node else {}
    return {**gpus, **pool.expect.allocatable}


def is_less(amount: str, expected: str) -> bool:
    """Return whether a quantity is less than another; one that cannot be read is less."""
    try:
        return parse_quantity(amount) < parse_quantity(expected)
    except ValueError:
        return True


@dataclass(frozen=True, kw_only=True)
class Member:
    """A node that has the labels of a pool."""

    share: Capacity
    """What it adds to the pool, for pods that tolerate its taints."""
    belongs: bool
    """Whether it is a node of the pool, although perhaps not for pods without further tolerations."""
    unusable: str
    """Why pods of the pool cannot run there; empty if they can."""
    lacking: str
    """What it lacks of what the pool expects of each node; empty if nothing."""


def member_of(node: NodeView, pool: ComputePool) -> Member | None:
    """Return a node as a pool sees it; None if it does not have the pool's labels."""
    if not has_labels(node, pool):
        return None
    lacking = missing_from(node, pool)
    share = Capacity(
        nodes=1,
        usable=int(node.ready),
        as_expected=int(node.ready and not lacking),
        gpus=node.gpus if node.ready else 0,
        gpus_allocated=node.gpus_allocated if node.ready else 0,
    )
    return Member(share=share, belongs=is_in_pool(node, pool), unusable=unusable_reason(node, pool), lacking=lacking)


def pool_capacity(pool: ComputePool, by_taints: Mapping[Taints, Capacity]) -> Capacity:
    """Return the capacity of a pool from that of the nodes with its labels, by their taints."""
    return capacity_for((*pool.tolerations, GPU_TOLERATION), by_taints)


def capacity_for(tolerations: Iterable[Toleration], by_taints: Mapping[Taints, Capacity]) -> Capacity:
    """Return the capacity of the nodes whose taints are tolerated."""
    tolerations = tuple(tolerations)
    total = NO_CAPACITY
    for taints, capacity in by_taints.items():
        if not untolerated(tolerations, taints):
            total = total.plus(capacity)
    return total
