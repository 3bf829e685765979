"""Admission: whether a job can start. Each blocker names the field of the spec and the remedy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_operator.core.objects.volumes import claims_of
from llmtrain_operator.core.policies.placement import can_have, gpus_required, most_gpus, preferred_pools
from llmtrain_operator.core.pools import NO_CAPACITY, Capacity
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """Why a job or its pods wait."""

    reason: Reason
    message: str


def first_blocker(
    job: Job,
    cluster: ClusterSpec | None,
    *,
    clusters: tuple[str, ...],
    claims: Collection[str],
    capacities: Mapping[str, Capacity],
) -> Blocker | None:
    """Return the first thing that keeps the job from starting; None if it can start.

    `clusters` are the names of all LLMClusters, `claims` those of the PersistentVolumeClaims in the job's namespace,
    `capacities` what each compute pool offers to the job.
    """
    if cluster is None:
        return missing_cluster(job.spec.cluster, clusters)
    return (
        namespace_not_tenant(job, cluster)
        or missing_volume(job, cluster, claims)
        or missing_pool(job, cluster)
        or insufficient_gpus(job, cluster, capacities)
    )


def missing_cluster(name: str, clusters: tuple[str, ...]) -> Blocker:
    """Return the blocker of a job whose LLMCluster does not exist, or cannot be read."""
    if name in clusters:
        return Blocker(
            reason=Reason.UNREADABLE,
            message=f"spec.cluster: the operator cannot read LLMCluster '{name}'; its condition Ready says which field to correct",
        )
    existing = f"existing: {', '.join(clusters)}" if clusters else "no LLMCluster exists"
    return Blocker(
        reason=Reason.CLUSTER_NOT_FOUND,
        message=f"spec.cluster: LLMCluster '{name}' does not exist ({existing}); create it or name an existing one",
    )


def namespace_not_tenant(job: Job, cluster: ClusterSpec) -> Blocker | None:
    """Return the blocker of a job outside of the tenant namespaces; a cluster without tenants admits all."""
    tenants = [tenant.namespace for tenant in cluster.tenants]
    if not tenants or job.namespace in tenants:
        return None
    return Blocker(
        reason=Reason.NAMESPACE_NOT_TENANT,
        message=f"namespace '{job.namespace}' is not a tenant of LLMCluster '{job.spec.cluster}'; "
        "add it to the cluster's spec.tenants, or create the job in a tenant namespace",
    )


def missing_volume(job: Job, cluster: ClusterSpec, claims: Collection[str]) -> Blocker | None:
    """Return the blocker of a volume that is neither a claim of the namespace nor a storage pool of the cluster."""
    pools = [pool.name for pool in cluster.storage_pools]
    spec = job.spec
    for field, volume in claims_of(spec):
        if volume not in claims and volume not in pools:
            return Blocker(
                reason=Reason.VOLUME_NOT_FOUND,
                message=f"{field}: namespace '{job.namespace}' has no PersistentVolumeClaim '{volume}', and LLMCluster "
                f"'{spec.cluster}' has no storage pool of that name (pools: {', '.join(pools) or 'none'}); "
                "correct the name or create the claim",
            )
    return None


def missing_pool(job: Job, cluster: ClusterSpec) -> Blocker | None:
    """Return the blocker of a job that names a compute pool which the cluster lacks, or whose nodes no pool has."""
    workers, existing = job.spec.workers, [pool.name for pool in cluster.compute_pools]
    pools = f"pools of LLMCluster '{job.spec.cluster}': {', '.join(existing) or 'none'}"
    unknown = [name for name in workers.pools if name not in existing]
    if unknown:
        return Blocker(
            reason=Reason.POOL_NOT_FOUND,
            message=f"spec.workers.pools: compute pool '{unknown[0]}' does not exist ({pools}); correct the name or remove it",
        )
    if existing and not preferred_pools(workers, cluster):
        return Blocker(
            reason=Reason.POOL_NOT_FOUND,
            message="spec.workers.nodeSelector selects other nodes than each compute pool that the job can be placed in "
            f"({pools}); remove the labels that contradict the pool's nodeSelector",
        )
    return None


def insufficient_gpus(job: Job, cluster: ClusterSpec, capacities: Mapping[str, Capacity]) -> Blocker | None:
    """Return the blocker of a job that needs more GPUs than any of its pools can have: it would wait forever.

    A pool counts with the nodes that it has, that the LLMCluster expects, and that an autoscaler can add.
    """
    workers = job.spec.workers
    required, pools = gpus_required(workers), preferred_pools(workers, cluster)
    offers = [(pool, capacities.get(pool.name, NO_CAPACITY)) for pool in pools]
    if not required or any(can_have(pool, capacity, required) for pool, capacity in offers):
        return None
    found = ", ".join(f"pool {pool.name} can have {most_gpus(pool, capacity)}" for pool, capacity in offers)
    return Blocker(
        reason=Reason.INSUFFICIENT_GPUS,
        message=f"spec.workers: {workers.replicas} workers with {workers.gpus} GPUs each need {required} GPUs, but "
        f"{found or f'LLMCluster {job.spec.cluster!r} has no compute pool'}; lower replicas or gpus, add nodes, or set "
        "maxNodes of the pool if an autoscaler adds them",
    )


def waiting_stage(blocker: Blocker) -> StagePlan:
    """Return the stage of a job that cannot start yet. It is reconciled again when what it waits for changes."""
    return StagePlan(
        stage="Waiting",
        conditions=tuple(
            ConditionUpdate(type=type, status=False, reason=blocker.reason, message=blocker.message)
            for type in (JobCondition.SCHEDULED, JobCondition.RUNNING)
        ),
    )
