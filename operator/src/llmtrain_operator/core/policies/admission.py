"""Admission: whether a job can start. Each blocker names the field of the spec and the remedy."""

from collections.abc import Collection
from dataclasses import dataclass

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.workers import Workers
from llmtrain_operator.core.objects.volumes import claims_of
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """Why a job or its pods wait."""

    reason: Reason
    message: str


def first_blocker(
    job: Job, cluster: ClusterSpec | None, *, clusters: tuple[str, ...], claims: Collection[str], gpus_capacity: int
) -> Blocker | None:
    """Return the first thing that keeps the job from starting; None if it can start.

    `clusters` are the names of all LLMClusters, `claims` those of the PersistentVolumeClaims in the job's namespace,
    `gpus_capacity` the GPUs of ready nodes that the job can use.
    """
    if cluster is None:
        return missing_cluster(job.spec.cluster, clusters)
    return (
        namespace_not_tenant(job, cluster)
        or missing_volume(job, cluster, claims)
        or insufficient_gpus(job.spec, gpus_capacity)
    )


def missing_cluster(name: str, clusters: tuple[str, ...]) -> Blocker:
    """Return the blocker of a job whose LLMCluster does not exist."""
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


def insufficient_gpus(spec: JobSpec, gpus_capacity: int) -> Blocker | None:
    """Return the blocker of a job that requests more GPUs than exist: it would wait forever."""
    required = gpus_required(spec.workers)
    if required <= gpus_capacity:
        return None
    return Blocker(
        reason=Reason.INSUFFICIENT_GPUS,
        message=f"spec.workers: {spec.workers.replicas} workers with {spec.workers.gpus} GPUs each need {required} GPUs, "
        f"but the ready nodes of LLMCluster '{spec.cluster}' have {gpus_capacity}; "
        "lower replicas or gpus, or add nodes",
    )


def gpus_required(workers: Workers) -> int:
    """Return the GPUs of all workers together."""
    return workers.replicas * workers.gpus


def waiting_stage(blocker: Blocker) -> StagePlan:
    """Return the stage of a job that cannot start yet. It is reconciled again when what it waits for changes."""
    return StagePlan(
        stage="Waiting",
        conditions=tuple(
            ConditionUpdate(type=type, status=False, reason=blocker.reason, message=blocker.message)
            for type in (JobCondition.SCHEDULED, JobCondition.RUNNING)
        ),
    )
