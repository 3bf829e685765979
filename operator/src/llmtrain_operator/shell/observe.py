"""Snapshots of a job, a cluster or the whole fleet, from the store and the job's coordinator."""

from datetime import UTC, datetime
from typing import TypeVar

import aiohttp

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.timestamps import parse_rfc3339
from llmtrain_operator.core.fleet_metrics import Claim, FleetSnapshot, JobSample
from llmtrain_operator.core.manifest import Manifest, is_deleting
from llmtrain_operator.core.node_view import NodeView, gpus_capacity, lost_nodes
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import ClusterSnapshot, Images, Job, JobSnapshot
from llmtrain_operator.shell.coordinator_client import sync_workers
from llmtrain_operator.shell.store import JobKey, Store

K = TypeVar("K")


async def observe_job(
    store: Store, key: JobKey, *, images: Images, gang: bool, session: aiohttp.ClientSession
) -> JobSnapshot | None:
    """Return the snapshot of one job; None if it does not exist or is being deleted.

    Asks the job's coordinator, if one runs. `gang` is whether the API server serves PodGroups.
    """
    manifest = store.jobs.get(key)
    if manifest is None or is_deleting(manifest):
        return None
    job = job_of(manifest)
    pods = tuple(PodView.of(pod) for pod in owned(store.pods_of.get(key, {}), job.uid).values())
    coordinator = next((pod for pod in pods if pod.role == "coordinator" and pod.running and pod.address), None)
    answer = await sync_workers(session, job, coordinator) if coordinator else None
    cluster = store.clusters.get(job.spec.cluster)
    spec = ClusterSpec.model_validate(cluster["spec"]) if cluster else None
    return JobSnapshot(
        now=datetime.now(UTC),  # read after the answer, whose time ledger ends before it
        job=job,
        cluster=spec,
        clusters=tuple(sorted(store.clusters)),
        pods=pods,
        objects=owned(store.objects_of.get(key, {}), job.uid),
        lost_nodes=lost_nodes({pod.node for pod in pods if pod.node}, store.nodes),
        claims=dict(store.claims.get(job.namespace, {})),
        gpus_capacity=gpus_capacity(spec.compute_pools, observe_nodes(store)) if spec else 0,
        gang_available=gang,
        coordinator=answer,
        images=images,
    )


def job_of(manifest: Manifest) -> Job:
    """Return a job as the API server returned it; ValueError if its spec or status does not match this version."""
    metadata = manifest["metadata"]
    return Job(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        metadata_generation=metadata["generation"],
        created=parse_rfc3339(metadata["creationTimestamp"]),
        spec=JobSpec.model_validate(manifest["spec"]),
        status=JobStatus.model_validate(manifest.get("status") or {}),
    )


def owned(objects: dict[K, Manifest], uid: str) -> dict[K, Manifest]:
    """Return the objects that the job with this uid owns, without those of a predecessor of the same name."""
    return {
        key: obj
        for key, obj in objects.items()
        if any(owner.get("uid") == uid for owner in obj["metadata"].get("ownerReferences") or ())
    }


def observe_cluster(store: Store, name: str) -> ClusterSnapshot | None:
    """Return the snapshot of one LLMCluster; None if it does not exist."""
    manifest = store.clusters.get(name)
    if manifest is None:
        return None
    metadata = manifest["metadata"]
    spec = ClusterSpec.model_validate(manifest["spec"])
    tenants = {tenant.namespace for tenant in spec.tenants}
    return ClusterSnapshot(
        now=datetime.now(UTC),
        name=name,
        uid=metadata["uid"],
        metadata_generation=metadata["generation"],
        spec=spec,
        status=ClusterStatus.model_validate(manifest.get("status") or {}),
        nodes=observe_nodes(store),
        claims={
            (namespace, claim): obj for namespace in tenants for claim, obj in store.claims.get(namespace, {}).items()
        },
        missing_namespaces=frozenset(store.absent_namespaces & tenants),
    )


def observe_nodes(store: Store) -> tuple[NodeView, ...]:
    """Return all nodes, ordered by name."""
    return tuple(NodeView.of(node, store.gpu_pods(name)) for name, node in sorted(store.nodes.items()))


def observe_fleet(store: Store) -> FleetSnapshot:
    """Return the snapshot that the metrics of all jobs, pools and claims are computed from."""
    return FleetSnapshot(
        jobs=tuple(
            JobSample(
                namespace=namespace,
                name=name,
                created=parse_rfc3339(job["metadata"]["creationTimestamp"]),
                status=JobStatus.model_validate(job.get("status") or {}),
            )
            for (namespace, name), job in sorted(store.jobs.items())
        ),
        clusters={
            name: ClusterSpec.model_validate(cluster.get("spec") or {})
            for name, cluster in sorted(store.clusters.items())
        },
        nodes=observe_nodes(store),
        claims=tuple(
            view
            for _, claims in sorted(store.claims.items())
            for _, claim in sorted(claims.items())
            if (view := Claim.of(claim)) is not None
        ),
    )
