"""One LLMCluster: its inventory as status, and the claims of its tenants."""

from datetime import timedelta

from llmtrain_api.cluster import ClaimStatus, ComputePool, PoolStatus
from llmtrain_api.conditions import ClusterCondition, Reason, set_condition
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import NodeView, nodes_of, ready_nodes
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.snapshot import ClusterSnapshot

MISSING_NAMESPACE_DELAY = timedelta(seconds=30)
"""How long to wait before a claim is created again in a namespace that did not exist."""
MAX_NOT_READY = 32
"""Nodes of a pool that the status lists as not ready."""
MAX_CLAIMS = 1000
"""Claims that the status lists."""


def plan_cluster(snapshot: ClusterSnapshot) -> Plan:
    """Return the plan that updates the inventory and creates the claims that tenants lack."""
    spec, before = snapshot.spec, snapshot.status
    tenant_claims = [(tenant.namespace, pool) for tenant in spec.tenants for pool in spec.storage_pools]
    missing = tuple(
        persistent_volume_claim(pool, namespace, snapshot.name)
        for namespace, pool in tenant_claims
        if (namespace, pool.name) not in snapshot.claims and namespace not in snapshot.missing_namespaces
    )
    pools = [pool_status(pool, snapshot.nodes) for pool in spec.compute_pools]
    nodes = ready_nodes(spec.compute_pools, snapshot.nodes)
    claims = [
        claim_status(namespace, pool.name, snapshot.claims, snapshot.missing_namespaces)
        for namespace, pool in tenant_claims
    ]
    ready, reason, message = readiness(pools)
    conditions = set_condition(
        tuple(before.conditions),
        ClusterCondition.READY,
        ready,
        reason,
        message,
        now=format_rfc3339(snapshot.now),
        metadata_generation=snapshot.metadata_generation,
    )
    status = before.model_copy(
        update={
            "observed_generation": snapshot.metadata_generation,
            "nodes_expected": sum(pool.nodes_expected for pool in pools),
            "nodes_ready": len(nodes),
            "gpus_capacity": sum(node.gpus for node in nodes),
            "gpus_allocated": sum(node.gpus_allocated for node in nodes),
            "pools": pools,
            "claims": claims[:MAX_CLAIMS],
            "conditions": list(conditions),
        }
    )
    return Plan(
        status=status if status != before else None,
        apply=missing,
        requeue_after=MISSING_NAMESPACE_DELAY if snapshot.missing_namespaces else None,
    )


def pool_status(pool: ComputePool, nodes: tuple[NodeView, ...]) -> PoolStatus:
    """Return the inventory of one pool: expected and ready nodes, and their GPUs."""
    of_pool = nodes_of(pool, nodes)
    ready = [node for node in of_pool if node.ready]
    not_ready = [f"{node.name}: {node.reason}"[:1024] for node in of_pool if not node.ready]
    return PoolStatus(
        name=pool.name,
        nodes_expected=pool.nodes,
        nodes_ready=len(ready),
        gpus_expected=pool.nodes * pool.gpus_per_node,
        gpus_capacity=sum(node.gpus for node in ready),
        gpus_allocated=sum(node.gpus_allocated for node in ready),
        not_ready=not_ready[:MAX_NOT_READY],
    )


def readiness(pools: list[PoolStatus]) -> tuple[bool, Reason, str]:
    """Return whether every pool has its expected nodes and GPUs, with a reason and a message."""
    incomplete = [
        f"pool {pool.name} has {pool.nodes_ready} of {pool.nodes_expected} nodes "
        f"and {pool.gpus_capacity} of {pool.gpus_expected} GPUs"
        for pool in pools
        if pool.nodes_ready < pool.nodes_expected or pool.gpus_capacity < pool.gpus_expected
    ]
    if incomplete:
        remedy = "repair or uncordon nodes, or correct spec.computePools"
        return False, Reason.NODES_MISSING, f"{'; '.join(incomplete)[:1900]}; {remedy}"
    return True, Reason.NODES_READY, f"{sum(pool.nodes_ready for pool in pools)} nodes are ready"


def claim_status(
    namespace: str, name: str, claims: dict[tuple[str, str], Manifest], missing_namespaces: frozenset[str]
) -> ClaimStatus:
    """Return the phase of one tenant's claim; Missing if the namespace does not exist."""
    if namespace in missing_namespaces:
        return ClaimStatus(namespace=namespace, name=name, phase="Missing")
    phase = claims.get((namespace, name), {}).get("status", {}).get("phase", "Pending")
    return ClaimStatus(namespace=namespace, name=name, phase=phase)
