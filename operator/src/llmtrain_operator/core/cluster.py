"""One LLMCluster: its inventory as status, and the claims of its tenants."""

from collections.abc import Mapping
from datetime import timedelta

from llmtrain_api.cluster import ClaimStatus, ComputePool, PoolStatus
from llmtrain_api.conditions import ClusterCondition, Reason, set_condition
from llmtrain_api.printable import printable
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.refusal import is_due
from llmtrain_operator.core.pools import PoolInventory
from llmtrain_operator.core.snapshot import ClusterSnapshot, Refusal

MAX_NODES = 32
"""Nodes of a pool that the status lists as not ready, and as lacking something."""
MAX_NAMED = 3
"""Nodes of a pool that the condition names."""
MAX_CLAIMS = 1000
"""Claims that the status lists."""


def plan_cluster(snapshot: ClusterSnapshot) -> Plan:
    """Return the plan that updates the inventory and creates the claims that tenants lack."""
    spec, before = snapshot.spec, snapshot.status
    tenant_claims = [(tenant.namespace, pool) for tenant in spec.tenants for pool in spec.storage_pools]
    missing = [(namespace, pool) for namespace, pool in tenant_claims if (namespace, pool.name) not in snapshot.claims]
    refusals = snapshot.refusals
    inventory = snapshot.inventory
    pools = [pool_status(pool, inventory.pools.get(pool.name, PoolInventory())) for pool in spec.compute_pools]
    claims = [
        claim_status(namespace, pool.name, snapshot.claims, snapshot.missing_namespaces)
        for namespace, pool in tenant_claims
    ]
    rejected = {key: refusal for key, refusal in refusals.items() if key[0] not in snapshot.missing_namespaces}
    ready, reason, message = readiness(pools, rejected)
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
            "nodes_ready": inventory.capacity.as_expected,
            "gpus_capacity": inventory.capacity.gpus,
            "gpus_allocated": inventory.capacity.gpus_allocated,
            "pools": pools,
            "claims": claims[:MAX_CLAIMS],
            "conditions": list(conditions),
        }
    )
    delays = [refusal.retry_after for refusal in refusals.values() if refusal.retry_after is not None]
    return Plan(
        status=status if status != before else None,
        apply=tuple(
            persistent_volume_claim(pool, namespace, snapshot.name)
            for namespace, pool in missing
            if is_tried(refusals.get((namespace, pool.name)), is_missing=namespace in snapshot.missing_namespaces)
        ),
        requeue_after=min((delay for delay in delays if delay > timedelta(0)), default=None),
    )


def is_tried(refusal: Refusal | None, *, is_missing: bool) -> bool:
    """Return whether a claim is created now; `is_missing` is whether its namespace did not exist before."""
    return is_due(refusal) if refusal is not None else not is_missing


def pool_status(pool: ComputePool, inventory: PoolInventory) -> PoolStatus:
    """Return the status of one pool: expected and ready nodes, their GPUs, and the nodes that are not as expected."""
    return PoolStatus(
        name=pool.name,
        nodes_expected=pool.nodes,
        nodes_ready=inventory.capacity.as_expected,
        gpus_expected=pool.nodes * pool.gpus_per_node,
        gpus_capacity=inventory.capacity.gpus,
        gpus_allocated=inventory.capacity.gpus_allocated,
        not_ready=node_list(inventory.unusable),
        lacking=node_list(inventory.lacking),
    )


def node_list(nodes: Mapping[str, str]) -> list[str]:
    """Return the first nodes by name, each with what is wrong with it."""
    return [printable(f"{name}: {nodes[name]}", 1024) for name in sorted(nodes)[:MAX_NODES]]


def readiness(pools: list[PoolStatus], rejected: Mapping[tuple[str, str], Refusal]) -> tuple[bool, Reason, str]:
    """Return whether every pool has its nodes and GPUs, and every tenant its claims, with a reason and a message.

    `rejected` are the claims that the API server rejected, by (namespace, name).
    """
    incomplete = [
        f"pool {pool.name} has {pool.nodes_ready} of {pool.nodes_expected} nodes "
        f"and {pool.gpus_capacity} of {pool.gpus_expected} GPUs"
        + (f" (not as expected: {'; '.join(pool.lacking[:MAX_NAMED])})" if pool.lacking else "")
        for pool in pools
        if pool.nodes_ready < pool.nodes_expected or pool.gpus_capacity < pool.gpus_expected
    ]
    refused = [
        f"the Kubernetes API rejected claim {name} in namespace {namespace}: {refusal.message}"
        for (namespace, name), refusal in sorted(rejected.items())
    ]
    remedies = [
        *(["repair or uncordon nodes, or correct spec.computePools"] if incomplete else []),
        *(["remove what keeps the claims from being created, such as an exhausted quota"] if refused else []),
    ]
    if remedies:
        reason = Reason.NODES_MISSING if incomplete else Reason.CLAIMS_REJECTED
        return False, reason, f"{'; '.join((*incomplete, *refused))[:1800]}; {'; '.join(remedies)}"
    return True, Reason.NODES_READY, f"{sum(pool.nodes_ready for pool in pools)} nodes are ready"


def claim_status(
    namespace: str, name: str, claims: dict[tuple[str, str], Manifest], missing_namespaces: frozenset[str]
) -> ClaimStatus:
    """Return the phase of one tenant's claim; Missing if the namespace does not exist."""
    if namespace in missing_namespaces:
        return ClaimStatus(namespace=namespace, name=name, phase="Missing")
    status = claims.get((namespace, name), {}).get("status")
    phase = status.get("phase") if isinstance(status, dict) else None
    known = printable(phase, 32) if isinstance(phase, str) else ""
    return ClaimStatus(namespace=namespace, name=name, phase=known or "Pending")
