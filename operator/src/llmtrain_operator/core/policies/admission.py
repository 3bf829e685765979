"""May the job start: its cluster, tenancy, volumes and GPUs. What can't be had is said, with the remedy."""

from dataclasses import dataclass

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.snapshot import JobSnapshot


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """Why the job waits."""

    reason: Reason
    message: str


def first_blocker(observed: JobSnapshot) -> Blocker | None:
    """Return the first thing that keeps the job from starting, or None."""
    return (
        missing_cluster(observed)
        or namespace_not_tenant(observed)
        or missing_volume(observed)
        or too_many_gpus(observed)
    )


def missing_cluster(observed: JobSnapshot) -> Blocker | None:
    """A job needs the LLMCluster that it names."""
    name = observed.job.spec.cluster
    if observed.cluster is not None:
        return None
    there = f"there are: {', '.join(observed.clusters)}" if observed.clusters else "there is none at all"
    return Blocker(
        reason=Reason.CLUSTER_NOT_FOUND,
        message=f"spec.cluster: there is no LLMCluster '{name}' ({there}); create it or name another",
    )


def namespace_not_tenant(observed: JobSnapshot) -> Blocker | None:
    """A cluster with tenants admits their namespaces only."""
    assert observed.cluster is not None
    tenants = [tenant.namespace for tenant in observed.cluster.tenants]
    if not tenants or observed.job.namespace in tenants:
        return None
    return Blocker(
        reason=Reason.NAMESPACE_NOT_TENANT,
        message=f"namespace '{observed.job.namespace}' is no tenant of LLMCluster '{observed.job.spec.cluster}'; "
        "ask its owner to add it to spec.tenants, or use a namespace that is",
    )


def missing_volume(observed: JobSnapshot) -> Blocker | None:
    """A volume is a claim of the namespace or a storage pool of the cluster."""
    assert observed.cluster is not None
    pools = [pool.name for pool in observed.cluster.storage_pools]
    spec = observed.job.spec
    for field, volume in (
        ("spec.data.source.volume", spec.data.source.volume),
        ("spec.checkpoint.volume", spec.checkpoint.volume),
    ):
        if volume not in observed.claims and volume not in pools:
            return Blocker(
                reason=Reason.VOLUME_NOT_FOUND,
                message=f"{field}: namespace '{observed.job.namespace}' has no claim '{volume}' and LLMCluster '{spec.cluster}' "
                f"no storage pool of that name (it has: {', '.join(pools) or 'none'}); correct the name or create the claim",
            )
    return None


def too_many_gpus(observed: JobSnapshot) -> Blocker | None:
    """A job that asks for more GPUs than there are would wait for ever."""
    workers = observed.job.spec.workers
    wanted = workers.replicas * workers.gpus
    if wanted <= observed.gpus_capacity:
        return None
    return Blocker(
        reason=Reason.INSUFFICIENT_GPUS,
        message=f"spec.workers: {workers.replicas} workers with {workers.gpus} GPUs each need {wanted} GPUs, and LLMCluster "
        f"'{observed.job.spec.cluster}' has {observed.gpus_capacity} on ready nodes; lower replicas or gpus, or add nodes",
    )
