"""The nodes of one LLMCluster's compute pools, as running sums: a change costs the same however many nodes there are."""

from collections.abc import Iterable

from llmtrain_api.cluster import ComputePool
from llmtrain_api.workers import Workers
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pools import (
    NO_CAPACITY,
    Capacity,
    Inventory,
    Member,
    PoolInventory,
    capacity_for,
    job_tolerations,
    member_of,
    pool_capacity,
)
from llmtrain_operator.core.taints import Taints


class PoolIndex:
    """Sums over the nodes of each compute pool of an LLMCluster, by the taints of the nodes."""

    def __init__(self, pools: tuple[ComputePool, ...], nodes: Iterable[NodeView]) -> None:
        self.pools = pools
        self.by_taints: dict[str, dict[Taints, Capacity]] = {pool.name: {} for pool in pools}
        self.unusable: dict[str, dict[str, str]] = {pool.name: {} for pool in pools}
        """Nodes of each pool where pods cannot run, with the reason."""
        self.lacking: dict[str, dict[str, str]] = {pool.name: {} for pool in pools}
        """Usable nodes of each pool that do not have what it expects, with what they lack."""
        self.total = NO_CAPACITY
        """All pools together."""
        for node in nodes:
            self.replace(None, node)

    def replace(self, before: NodeView | None, after: NodeView | None) -> bool:
        """Replace a node, and correct the sums by the difference; return whether jobs can get other nodes or GPUs.

        `before` and `after` are None for a node that is new or gone.
        """
        is_member = False
        for node, sign in ((before, -1), (after, 1)):
            members = {pool.name: member_of(node, pool) for pool in self.pools} if node is not None else {}
            for pool, member in members.items():
                if node is not None and member is not None:
                    is_member = True
                    self.add(pool, node, member, sign)
            self.total = self.total.plus(together(members.values()), sign)
        return is_member and offer_of(before) != offer_of(after)

    def add(self, pool: str, node: NodeView, member: Member, sign: int) -> None:
        """Add a node to the sums of a pool, or remove it if `sign` is -1."""
        groups = self.by_taints[pool]
        groups[node.taints] = groups.get(node.taints, NO_CAPACITY).plus(member.share, sign)
        if not groups[node.taints].nodes:
            del groups[node.taints]
        faults = ((self.unusable, member.unusable), (self.lacking, "" if member.unusable else member.lacking))
        for index, fault in faults:
            if sign > 0 and member.belongs and fault:
                index[pool][node.name] = fault
            else:
                index[pool].pop(node.name, None)

    def inventory(self) -> Inventory:
        """Return the nodes of all pools."""
        return Inventory(
            pools={
                pool.name: PoolInventory(
                    capacity=pool_capacity(pool, self.by_taints[pool.name]),
                    unusable=dict(self.unusable[pool.name]),
                    lacking=dict(self.lacking[pool.name]),
                )
                for pool in self.pools
            },
            capacity=self.total,
        )

    def capacities(self, workers: Workers) -> dict[str, Capacity]:
        """Return the capacity of each pool for the pods of a job, which tolerate some taints."""
        return {
            pool.name: capacity_for(job_tolerations(workers, pool), self.by_taints[pool.name]) for pool in self.pools
        }


def together(members: Iterable[Member | None]) -> Capacity:
    """Return what one node adds to all pools together, of which it can belong to several."""
    shares = [member.share for member in members if member is not None and member.belongs and not member.unusable]
    return max(shares, key=lambda share: share.as_expected, default=NO_CAPACITY)


def offer_of(node: NodeView | None) -> object:
    """Return what jobs that wait for nodes can see of one."""
    return (node.labels, node.taints, node.gpus) if node is not None and node.ready else None
