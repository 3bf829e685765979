"""Admission: whether a job can start. Each blocker names the field of the spec and the remedy."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.manifest import strings_at
from llmtrain_operator.core.objects.volumes import claims_of
from llmtrain_operator.core.pod_view import PodView
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
    cluster_error: str = "",
) -> Blocker | None:
    """Return the first thing that keeps the job from starting; None if it can start.

    `clusters` are the names of all LLMClusters, `cluster_error` is why that of the job cannot be read, `claims` are the names
    of the PersistentVolumeClaims in the job's namespace, `capacities` is what each compute pool offers to the job.
    """
    if cluster is None:
        return missing_cluster(job.spec.cluster, clusters, cluster_error)
    return (
        namespace_not_tenant(job, cluster)
        or missing_volume(job, cluster, claims)
        or missing_pool(job, cluster)
        or insufficient_gpus(job, cluster, capacities)
    )


def missing_cluster(name: str, clusters: tuple[str, ...], error: str = "") -> Blocker:
    """Return the blocker of a job whose LLMCluster does not exist, or cannot be read because of `error`."""
    if error:
        return Blocker(
            reason=Reason.UNREADABLE,
            message=f"spec.cluster: the operator cannot read LLMCluster '{name}': {error}; correct the field of the "
            "LLMCluster, or upgrade the operator",
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
    """Return the blocker of a job whose `min` workers need more GPUs than any of its pools can have: it would wait forever.

    A pool counts with the nodes that it has, that the LLMCluster expects, and that an autoscaler can add. Without compute
    pools an LLMCluster does not say which nodes there are, so the scheduler decides.
    """
    workers = job.spec.workers
    if not cluster.compute_pools:
        return None
    required, pools = gpus_required(workers, workers.min), preferred_pools(workers, cluster)
    offers = [(pool, capacities.get(pool.name, NO_CAPACITY)) for pool in pools]
    if not required or any(can_have(pool, capacity, required) for pool, capacity in offers):
        return None
    found = ", ".join(f"pool {pool.name} can have {most_gpus(pool, capacity)}" for pool, capacity in offers)
    elastic = workers.min < workers.replicas
    count = f"the least number of workers, {workers.min}," if elastic else f"{workers.replicas} workers"
    return Blocker(
        reason=Reason.INSUFFICIENT_GPUS,
        message=f"spec.workers: {count} with {workers.gpus} GPUs each need {required} GPUs, but {found}; lower "
        f"{'min' if elastic else 'replicas'} or gpus, add nodes, or set maxNodes of the pool if an autoscaler adds them",
    )


def missing_own_pool(
    job: Job, status: JobStatus, cluster: ClusterSpec | None, *, pods: Iterable[PodView], cluster_error: str = ""
) -> Blocker | None:
    """Return why a job gets no new pods: the compute pool that it is placed in is gone; None if it is there.

    Its pods share a network, so they are not spread over two pools. A job without pods that run can be placed again. A
    job whose LLMCluster is gone keeps getting new pods if its pool selects no nodes.
    """
    running = [pod for pod in pods if not pod.finished]
    if cluster is None:
        is_bound = any(selects_more(pod, job.spec.workers.node_selector) for pod in running)
    else:
        is_bound = bool(running) and not is_listed(status.pool, cluster)
    if not status.pool or not is_bound:
        return None
    waits = f"the pods of the job run on, and new ones wait for its compute pool '{status.pool}'"
    if cluster is None:
        missing = missing_cluster(job.spec.cluster, (), cluster_error)
        why = "spec.cluster: LLMCluster '{}' does not exist any more; create it again"
        message = missing.message if cluster_error else why.format(job.spec.cluster)
        return Blocker(reason=missing.reason, message=f"{message}; {waits}")
    return Blocker(
        reason=Reason.POOL_NOT_FOUND,
        message=f"LLMCluster '{job.spec.cluster}' has no compute pool '{status.pool}' any more: {waits}; add the pool "
        "again, or suspend the job and resume it, which places it in another one",
    )


def selects_more(pod: PodView, selector: Mapping[str, str]) -> bool:
    """Return whether a pod selects nodes by more labels than its job does, and so by those of a compute pool."""
    return bool(strings_at(pod.manifest, "spec", "nodeSelector").keys() - selector.keys())


def is_listed(pool: str, cluster: ClusterSpec) -> bool:
    """Return whether an LLMCluster has a compute pool of that name."""
    return any(each.name == pool for each in cluster.compute_pools)


def waiting_stage(blocker: Blocker) -> StagePlan:
    """Return the stage of a job that cannot start yet. It is reconciled again when what it waits for changes."""
    return StagePlan(
        stage="Waiting",
        conditions=tuple(
            ConditionUpdate(type=type, status=False, reason=blocker.reason, message=blocker.message)
            for type in (JobCondition.SCHEDULED, JobCondition.RUNNING)
        ),
    )
