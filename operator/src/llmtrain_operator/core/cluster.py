"""One LLMCluster: its inventory as status, and the claims of its tenants."""

from collections.abc import Mapping
from datetime import timedelta

from llmtrain_api.cluster import ClaimStatus, ComputePool, PoolStatus
from llmtrain_api.conditions import ClusterCondition, Reason, set_condition
from llmtrain_api.printable import printable
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest, text_at
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.claim_expansion import (
    ClaimKey,
    expansion,
    resize_error,
    resize_state,
    smaller_claims,
)
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
    """Return the plan that updates the inventory, creates the claims that tenants lack and lets others grow."""
    spec, before = snapshot.spec, snapshot.status
    tenant_claims = [(tenant.namespace, pool) for tenant in spec.tenants for pool in spec.storage_pools]
    missing = [(namespace, pool) for namespace, pool in tenant_claims if (namespace, pool.name) not in snapshot.claims]
    growing = smaller_claims(spec.storage_pools, snapshot.claims, snapshot.name)
    refusals = snapshot.refusals
    inventory = snapshot.inventory
    pools = [pool_status(pool, inventory.pools.get(pool.name, PoolInventory())) for pool in spec.compute_pools]
    others = sorted(key for key, claim in snapshot.claims.items() if key in growing or resize_state(claim))
    keys = dict.fromkeys([*((namespace, pool.name) for namespace, pool in tenant_claims), *others])
    claims = [claim_status(*key, snapshot.claims, snapshot.missing_namespaces) for key in keys]
    reported = {key: refusal for key, refusal in refusals.items() if refusal.is_reported}
    rejected = {key: refusal for key, refusal in reported.items() if key[0] not in snapshot.missing_namespaces}
    ready, reason, message = readiness(pools, rejected, expansion_errors(snapshot.claims, rejected))
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
        apply=(
            *(
                persistent_volume_claim(pool, namespace, snapshot.name)
                for namespace, pool in missing
                if is_tried(refusals.get((namespace, pool.name)), is_missing=namespace in snapshot.missing_namespaces)
            ),
            *(
                expansion(key, snapshot.claims[key], pool)
                for key, pool in growing.items()
                if is_tried(refusals.get(key), is_missing=False)
            ),
        ),
        requeue_after=min((delay for delay in delays if delay > timedelta(0)), default=None),
    )


def is_tried(refusal: Refusal | None, *, is_missing: bool) -> bool:
    """Return whether a claim is created or grows now; `is_missing` is whether its namespace did not exist before."""
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


def expansion_errors(claims: Mapping[ClaimKey, Manifest], rejected: Mapping[ClaimKey, Refusal]) -> dict[ClaimKey, str]:
    """Return the claims that cannot grow, each with the reason: the API server rejects it, or the storage driver fails."""
    failed = {key: error for key, claim in claims.items() if (error := resize_error(claim))}
    return {**failed, **{key: refusal.message for key, refusal in rejected.items() if key in claims}}


def readiness(
    pools: list[PoolStatus], rejected: Mapping[ClaimKey, Refusal], unexpandable: Mapping[ClaimKey, str]
) -> tuple[bool, Reason, str]:
    """Return whether every pool has its nodes and GPUs, and every tenant its claims, with a reason and a message.

    `rejected` are the claims that the API server rejected, `unexpandable` those that cannot grow, with the reason.
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
        if (namespace, name) not in unexpandable
    ]
    fixed = [
        f"claim {name} in namespace {namespace} cannot grow: {error}"
        for (namespace, name), error in sorted(unexpandable.items())
    ]
    faults = (
        (incomplete, Reason.NODES_MISSING, "repair or uncordon nodes, or correct spec.computePools"),
        (
            refused,
            Reason.CLAIMS_REJECTED,
            "remove what keeps the claims from being created, such as an exhausted quota",
        ),
        (
            fixed,
            Reason.EXPANSION_REJECTED,
            "set allowVolumeExpansion in their StorageClass, or remove what the message names",
        ),
    )
    found = [fault for fault in faults if fault[0]]
    if found:
        texts = "; ".join(text for messages, _, _ in found for text in messages)
        return False, found[0][1], f"{texts[:1800]}; {'; '.join(advice for _, _, advice in found)}"
    return True, Reason.NODES_READY, f"{sum(pool.nodes_ready for pool in pools)} nodes are ready"


def claim_status(
    namespace: str, name: str, claims: Mapping[ClaimKey, Manifest], missing_namespaces: frozenset[str]
) -> ClaimStatus:
    """Return the status of one claim; its phase is Missing if the namespace does not exist."""
    if namespace in missing_namespaces:
        return ClaimStatus(namespace=namespace, name=name, phase="Missing")
    claim = claims.get((namespace, name), {})
    return ClaimStatus(
        namespace=namespace,
        name=name,
        phase=printable(text_at(claim, "status", "phase"), 32) or "Pending",
        size=printable(text_at(claim, "status", "capacity", "storage"), 64),
        message=printable(resize_state(claim), 1024),
    )
