"""LLMCluster: what is there of what it promises, and the claims of its tenants."""

from datetime import timedelta

from llmtrain_api.cluster import ClaimStatus, ComputePool, PoolStatus
from llmtrain_api.conditions import ClusterCondition, Reason, set_condition
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.snapshot import ClusterSnapshot, NodeView

MISSING_NAMESPACE_DELAY = timedelta(seconds=30)
MOST_NOT_READY = 32


def nodes_of(pool: ComputePool, nodes: tuple[NodeView, ...]) -> tuple[NodeView, ...]:
    """Return the nodes of a pool: those with its labels, or every ordinary one."""
    if not pool.node_selector:
        return tuple(node for node in nodes if node.schedulable_by_default)
    wanted = pool.node_selector.items()
    return tuple(node for node in nodes if wanted <= node.labels.items())


def gpus_capacity(pools: list[ComputePool], nodes: tuple[NodeView, ...]) -> int:
    """Return the GPUs of the ready nodes of all pools; a node of two pools counts once."""
    names = {node.name: node.gpus for pool in pools for node in nodes_of(pool, nodes) if node.ready}
    return sum(names.values())


def plan_cluster(observed: ClusterSnapshot) -> Plan:
    """Take stock, and make the claims that tenants lack."""
    pools = [pool_status(pool, observed.nodes) for pool in observed.spec.compute_pools]
    pairs = [(tenant.namespace, pool) for tenant in observed.spec.tenants for pool in observed.spec.storage_pools]
    missing = [
        persistent_volume_claim(pool, namespace, observed.name)
        for namespace, pool in pairs
        if (namespace, pool.name) not in observed.claims and namespace not in observed.missing_namespaces
    ]
    unique = {
        node.name: node for pool in observed.spec.compute_pools for node in nodes_of(pool, observed.nodes) if node.ready
    }
    ready, reason, message = readiness(pools)
    status = observed.status.model_copy(
        update={
            "observed_generation": observed.metadata_generation,
            "nodes_expected": sum(pool.nodes_expected for pool in pools),
            "nodes_ready": len(unique),
            "gpus_capacity": sum(node.gpus for node in unique.values()),
            "gpus_allocated": sum(node.gpus_allocated for node in unique.values()),
            "pools": pools,
            "claims": [claim_status(observed, namespace, pool.name) for namespace, pool in pairs][:1000],
            "conditions": list(
                set_condition(
                    tuple(observed.status.conditions),
                    ClusterCondition.READY,
                    ready,
                    reason,
                    message,
                    now=format_rfc3339(observed.now),
                    generation=observed.metadata_generation,
                )
            ),
        }
    )
    return Plan(
        status=status if status != observed.status else None,
        apply=tuple(missing),
        requeue_after=MISSING_NAMESPACE_DELAY if observed.missing_namespaces else None,
    )


def pool_status(pool: ComputePool, nodes: tuple[NodeView, ...]) -> PoolStatus:
    """Return what is there of one pool."""
    mine = nodes_of(pool, nodes)
    ready = [node for node in mine if node.ready]
    return PoolStatus(
        name=pool.name,
        nodes_expected=pool.nodes,
        nodes_ready=len(ready),
        gpus_expected=pool.nodes * pool.gpus_per_node,
        gpus_capacity=sum(node.gpus for node in ready),
        gpus_allocated=sum(node.gpus_allocated for node in ready),
        not_ready=[f"{node.name}: {node.reason}"[:1024] for node in mine if not node.ready][:MOST_NOT_READY],
    )


def readiness(pools: list[PoolStatus]) -> tuple[bool, Reason, str]:
    """Return whether every pool has its nodes and GPUs, with a sentence."""
    short = [
        f"pool {pool.name} has {pool.nodes_ready} of {pool.nodes_expected} nodes and {pool.gpus_capacity} of {pool.gpus_expected} GPUs"
        for pool in pools
        if pool.nodes_ready < pool.nodes_expected or pool.gpus_capacity < pool.gpus_expected
    ]
    if short:
        return False, Reason.NODES_MISSING, "; ".join(short)[:2048]
    return True, Reason.NODES_READY, f"{sum(pool.nodes_ready for pool in pools)} nodes are ready"


def claim_status(observed: ClusterSnapshot, namespace: str, name: str) -> ClaimStatus:
    """Return what is there of one claim."""
    if namespace in observed.missing_namespaces:
        return ClaimStatus(namespace=namespace, name=name, phase="Missing")
    live = observed.claims.get((namespace, name))
    return ClaimStatus(
        namespace=namespace, name=name, phase=live.get("status", {}).get("phase", "Pending") if live else "Pending"
    )
