"""One LLMCluster: its inventory as status, and the claims of its tenants."""

from collections.abc import Mapping
from datetime import timedelta

from llmtrain_api.cluster import ClaimStatus, ComputePool, PoolStatus
from llmtrain_api.conditions import ClusterCondition, Reason, set_condition
from llmtrain_api.printable import printable
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import NodeView, nodes_of, ready_nodes
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.refusal import is_due
from llmtrain_operator.core.snapshot import ClusterSnapshot, Refusal

MAX_NOT_READY = 32
"""Nodes of a pool that the status lists as not ready."""
MAX_CLAIMS = 1000
"""Claims that the status lists."""


def plan_cluster(snapshot: ClusterSnapshot) -> Plan:
    """Return the plan that updates the inventory and creates the claims that tenants lack."""
    spec, before = snapshot.spec, snapshot.status
    tenant_claims = [(tenant.namespace, pool) for tenant in spec.tenants for pool in spec.storage_pools]
    missing = [(namespace, pool) for namespace, pool in tenant_claims if (namespace, pool.name) not in snapshot.claims]
    refusals = snapshot.refusals
    pools = [pool_status(pool, snapshot.nodes) for pool in spec.compute_pools]
    nodes = ready_nodes(spec.compute_pools, snapshot.nodes)
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
            "nodes_ready": len(nodes),
            "gpus_capacity": sum(node.gpus for node in nodes),
            "gpus_allocated": sum(node.gpus_allocated for node in nodes),
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


def pool_status(pool: ComputePool, nodes: tuple[NodeView, ...]) -> PoolStatus:
    """Return the inventory of one pool: expected and ready nodes, and their GPUs."""
    of_pool = nodes_of(pool, nodes)
    ready = [node for node in of_pool if node.ready]
    not_ready = [printable(f"{node.name}: {node.reason}", 1024) for node in of_pool if not node.ready]
    return PoolStatus(
        name=pool.name,
        nodes_expected=pool.nodes,
        nodes_ready=len(ready),
        gpus_expected=pool.nodes * pool.gpus_per_node,
        gpus_capacity=sum(node.gpus for node in ready),
        gpus_allocated=sum(node.gpus_allocated for node in ready),
        not_ready=not_ready[:MAX_NOT_READY],
    )


def readiness(pools: list[PoolStatus], rejected: Mapping[tuple[str, str], Refusal]) -> tuple[bool, Reason, str]:
    """Return whether every pool has its nodes and GPUs, and every tenant its claims, with a reason and a message.

    `rejected` are the claims that the API server rejected, by (namespace, name).
    """
    incomplete = [
        f"pool {pool.name} has {pool.nodes_ready} of {pool.nodes_expected} nodes "
        f"and {pool.gpus_capacity} of {pool.gpus_expected} GPUs"
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
