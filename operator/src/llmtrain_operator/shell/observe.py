"""Makes the snapshot that a decision is made from."""

from datetime import UTC, datetime
from typing import Any

import aiohttp

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.timestamps import parse_rfc3339
from llmtrain_operator.core.cluster import gpus_capacity
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import ClusterSnapshot, Images, Job, JobSnapshot
from llmtrain_operator.shell.coordinator_client import sync_workers
from llmtrain_operator.shell.store import JobKey, Manifest, Store


def job_of(manifest: Manifest) -> Job:
    """Return a job as the API server holds it; ValueError if its spec or status is of another version."""
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


def owned(things: dict[Any, Manifest], uid: str) -> dict[Any, Manifest]:
    """Return the objects that the job with this uid owns, not those of a namesake before it."""
    return {
        key: thing
        for key, thing in things.items()
        if any(owner.get("uid") == uid for owner in thing["metadata"].get("ownerReferences") or ())
    }


async def observe_job(
    store: Store, key: JobKey, *, images: Images, gang: bool, session: aiohttp.ClientSession
) -> JobSnapshot | None:
    """Return the snapshot of one job, or None if it is gone or going."""
    manifest = store.jobs.get(key)
    if manifest is None or "deletionTimestamp" in manifest["metadata"]:
        return None
    job = job_of(manifest)
    pods = tuple(PodView.of(pod) for pod in owned(store.pods_of.get(key, {}), job.uid).values())
    coordinator = next((pod for pod in pods if pod.role == "coordinator" and pod.running and pod.address), None)
    cluster = store.clusters.get(job.spec.cluster)
    spec = ClusterSpec.model_validate(cluster["spec"]) if cluster else None
    answer = (
        await sync_workers(session, job, coordinator) if coordinator else None
    )  # before the clock is read: it ends earlier
    return JobSnapshot(
        now=datetime.now(UTC),
        job=job,
        cluster=spec,
        clusters=tuple(sorted(store.clusters)),
        pods=pods,
        objects=owned(store.objects_of.get(key, {}), job.uid),
        lost_nodes=store.lost_nodes({pod.node for pod in pods if pod.node}),
        claims=dict(store.claims.get(job.namespace, {})),
        gpus_capacity=gpus_capacity(spec.compute_pools, store.node_views()) if spec else 0,
        gang_available=gang,
        coordinator=answer,
        images=images,
    )


def observe_cluster(store: Store, name: str) -> ClusterSnapshot | None:
    """Return the snapshot of one LLMCluster, or None if it is gone."""
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
        nodes=store.node_views(),
        claims={(ns, claim): thing for ns in tenants for claim, thing in store.claims.get(ns, {}).items()},
        missing_namespaces=frozenset(store.absent_namespaces & tenants),
    )
