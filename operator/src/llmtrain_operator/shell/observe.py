"""Snapshots of a job, a cluster or the whole fleet, from the store."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import coordinator_name
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.timestamps import parse_rfc3339
from llmtrain_operator.core.fleet_metrics import Claim, FleetSnapshot, JobSample
from llmtrain_operator.core.manifest import Manifest, generation_of, is_deleting, value_at
from llmtrain_operator.core.node_view import NodeStates, NodeView
from llmtrain_operator.core.objects.ownership import is_owned, not_owned, owned
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.claim_expansion import is_of_cluster, smaller_claims
from llmtrain_operator.core.policies.disruptions import POD_DELETED
from llmtrain_operator.core.policies.node_loss import lost_nodes
from llmtrain_operator.core.snapshot import ClusterSnapshot, Images, Job, JobSnapshot, Silence
from llmtrain_operator.core.unreadable import cause_of
from llmtrain_operator.shell.api import Api, path_of
from llmtrain_operator.shell.claim_memory import ClaimMemory
from llmtrain_operator.shell.errors import ApiError, NotFound
from llmtrain_operator.shell.job_memory import JobMemory
from llmtrain_operator.shell.object_index import uid_of
from llmtrain_operator.shell.refusals import Facts
from llmtrain_operator.shell.relevance import JobKey, is_finished, node_of
from llmtrain_operator.shell.slow_objects import unbound_claims
from llmtrain_operator.shell.source_jobs import find_cycle, read_source_job
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.warning_events import WarningEvents
from llmtrain_operator.shell.work_queue import Key


class ObservedJob(NamedTuple):
    """A job at one moment: what is decided on the snapshot is executed against the manifest that it was made from."""

    manifest: Manifest
    snapshot: JobSnapshot
    facts: Facts
    """What a refusal may depend on."""


def observe_job(
    store: Store,
    key: JobKey,
    *,
    images: Images,
    token_of: Callable[[str], str],
    gang: bool,
    coordinator: CoordinatorStatus | None,
    coordinator_asked: bool = True,
    silence: Silence | None = None,
    memory: JobMemory | None,
    fetched_nodes: Mapping[str, NodeView | None],
    warnings: WarningEvents,
) -> ObservedJob | None:
    """Return one job as it is at this moment; None if it does not exist.

    Nothing is awaited between reading its parts. `token_of` returns the token of the job with a uid; `gang` is whether the API server serves PodGroups, `coordinator` the
    answer of the job's coordinator and `silence` that it does not answer, `memory` what is remembered of the job, `fetched_nodes` what the API
    server answered about nodes that the cache lacks, `warnings` the events of slow objects. ValidationError if it cannot be read.
    """
    manifest = store.jobs.get(key)
    if manifest is None:
        return None
    job = store.job_reader.read(manifest)
    existing = {("Pod", name): pod for name, pod in store.pods_of.get(key, {}).items()}
    existing |= store.objects_of.get(key, {})
    pods = observe_pods(store, key, job.uid)
    names = {pod.node for pod in pods if pod.node}
    cached = {name: store.nodes[name] for name in names & store.nodes.keys()}
    known, unready = len(store.nodes), len(store.unready_nodes)
    nodes = NodeStates.of(names, {**fetched_nodes, **cached}, known=known, not_ready=unready)
    now = datetime.now(UTC)
    memory = memory if memory is not None and memory.uid == job.uid else JobMemory(job.uid)
    pods = with_deletions(pods, memory.deleted_by_others(pods))
    pods = tuple(replace(pod, warning=text) if (text := warnings.of(pod.uid)) else pod for pod in pods)
    cluster = store.clusters.get(job.spec.cluster)
    found = facts(manifest, cluster, pods) | {
        ("namespace", store.namespace_index.views.get(job.namespace)),
        ("turns", store.turns.of(Key("job", *key))),
    }
    spec, cluster_error = read_cluster(cluster) if cluster else (None, "")
    source_job, source_error = read_source_job(store.jobs, job, store.job_reader)
    snapshot = JobSnapshot(
        now=now,
        job=job,
        cluster=spec,
        cluster_error=cluster_error,
        clusters=tuple(sorted(store.clusters)),
        source_job=source_job,
        source_error=source_error,
        source_cycle=find_cycle(store.jobs, job),
        pods=pods,
        objects=owned(store.objects_of.get(key, {}), job.uid),
        nodes=nodes,
        lost_nodes=lost_nodes(nodes, node_seconds=job.spec.recovery.node_seconds, now=now),
        claims=dict(store.claims.get(job.namespace, {})),
        unbound_claims={
            name: warnings.of(uid_of(claim)) for name, claim in unbound_claims(store, key, job.uid).items()
        },
        capacities=store.capacities(job.spec.cluster, job.spec.workers),
        gang_available=gang,
        coordinator=coordinator,
        coordinator_asked=coordinator_asked,
        generations_seen=memory.generations_seen,
        silence=silence,
        images=images,
        refusals=memory.pending_refusals(found),
        token=token_of(job.uid),
        token_created=memory.token_created,
        taken=not_owned(existing, job.uid),
        unrepairable=dict(memory.undone_repairs),
        status_age=memory.status_age,
    )
    return ObservedJob(manifest, snapshot, found)


def facts(manifest: Manifest, cluster: Manifest | None, pods: Iterable[PodView]) -> Facts:
    """Return the versions of a job's spec and its LLMCluster's, and its pods."""
    return frozenset(
        {
            ("job", manifest["metadata"].get("generation")),
            ("cluster", cluster["metadata"].get("generation") if cluster else None),
            *(("pod", pod.uid) for pod in pods if not pod.finished),
        }
    )


def observe_coordinator(store: Store, key: JobKey) -> tuple[Job, PodView] | None:
    """Return a job and the pod of its coordinator; None if none runs. ValidationError if the job cannot be read."""
    manifest = store.jobs.get(key)
    if manifest is None or is_deleting(manifest):
        return None
    pod = store.pods_of.get(key, {}).get(coordinator_name(key[1]))
    if pod is None or not is_owned(pod, manifest["metadata"]["uid"]):
        return None
    view = store.pod_views.of(pod)
    return (store.job_reader.read(manifest), view) if view.running and view.address else None


def observe_pods(store: Store, key: JobKey, uid: str) -> tuple[PodView, ...]:
    """Return the pods of the job with this uid."""
    return tuple(store.pod_views.of(pod) for pod in owned(store.pods_of.get(key, {}), uid).values())


def with_deletions(pods: Iterable[PodView], deleted: Collection[str]) -> tuple[PodView, ...]:
    """Return the pods with a disruption for those that others delete without one; `deleted` are their uids."""
    return tuple(
        replace(pod, disruption=POD_DELETED) if pod.uid in deleted and not pod.disruption else pod for pod in pods
    )


def unknown_nodes(store: Store, key: JobKey) -> frozenset[str]:
    """Return the nodes of a job's pods that the cache lacks."""
    nodes = {node_of(pod) for pod in store.pods_of.get(key, {}).values()}
    return frozenset(nodes - store.nodes.keys() - {""})


async def fetch_nodes(api: Api, names: Iterable[str]) -> dict[str, NodeView | None]:
    """Return nodes that the cache lacks, None for those that do not exist; one without an answer is left out.

    The cache can lag behind, or have lost its watch, so only the API server's word makes a node absent.
    """
    answers: dict[str, NodeView | None] = {}
    for name in sorted(names):
        try:
            answers[name] = NodeView.of(await api.call("GET", path_of("v1", "Node", name=name)))
        except NotFound:
            answers[name] = None
        except ApiError:
            continue  # unknown until it is asked for again
    return answers


def is_at_rest(store: Store, key: JobKey) -> bool:
    """Return whether a job has finished, nothing of it is left and it never expires: there can be many thousands of those."""
    job = store.jobs.get(key)
    return (
        job is not None
        and is_finished(job)
        and not (store.pods_of.get(key) or store.objects_of.get(key))
        and value_at(job, "spec", "ttlSecondsAfterFinished") is None
        and value_at(job, "status", "observedGeneration") == value_at(job, "metadata", "generation")
    )


def read_cluster(manifest: Manifest) -> tuple[ClusterSpec | None, str]:
    """Return the spec of an LLMCluster; or None and why it cannot be read, which a condition of it reports too."""
    try:
        return ClusterSpec.from_server(manifest.get("spec") or {}), ""
    except ValidationError as error:
        return None, cause_of(error)


def cluster_status_of(manifest: Manifest) -> ClusterStatus:
    """Return the status of an LLMCluster; an empty one if it cannot be read, as all of it is computed again."""
    try:
        return ClusterStatus.from_server(manifest.get("status") or {})
    except ValidationError:
        return ClusterStatus()


def observe_cluster(store: Store, name: str, memory: ClaimMemory) -> tuple[Manifest, ClusterSnapshot] | None:
    """Return one LLMCluster and its snapshot; None if it does not exist. ValidationError if it cannot be read.

    `memory` holds the refusals of its claims; those of claims that exist or are not needed any more are forgotten.
    """
    manifest = store.clusters.get(name)
    if manifest is None:
        return None
    metadata = manifest["metadata"]
    spec = ClusterSpec.from_server(manifest["spec"])
    tenants = {tenant.namespace for tenant in spec.tenants}
    desired = {(namespace, pool.name) for namespace in tenants for pool in spec.storage_pools}
    claims = {
        (namespace, claim): obj
        for namespace, of_namespace in store.claims.items()
        for claim, obj in of_namespace.items()
        if (namespace, claim) in desired or is_of_cluster(obj, name)
    }
    growing = smaller_claims(spec.storage_pools, claims, name)
    memory.keep_only(frozenset((desired - claims.keys()) | growing.keys()))
    memory.facts = {namespace: store.namespace_index.facts(namespace) for namespace in tenants}
    return manifest, ClusterSnapshot(
        now=datetime.now(UTC),
        name=name,
        uid=metadata["uid"],
        metadata_generation=generation_of(manifest),
        spec=spec,
        status=cluster_status_of(manifest),
        inventory=store.inventory(name),
        claims=claims,
        missing_namespaces=memory.missing_namespaces(),
        refusals=memory.pending(),
    )


def observe_fleet(store: Store) -> FleetSnapshot:
    """Return the snapshot that the metrics of all jobs, pools and claims are computed from.

    Jobs and LLMClusters that cannot be read are left out. A scrape runs in another thread, so it reads copies.
    """
    clusters = {name: read_cluster(cluster)[0] for name, cluster in sorted(store.clusters.copy().items())}
    jobs = (
        job_sample(job, store.job_reader.known(job))
        for _, job in sorted(store.jobs.copy().items(), key=lambda entry: entry[0])
    )
    return FleetSnapshot(
        jobs=tuple(job for job in jobs if job is not None),
        clusters={name: spec for name, spec in clusters.items() if spec is not None},
        nodes=store.node_index.views(),
        claims=tuple(
            view
            for _, claims in sorted(store.claims.items())
            for _, claim in sorted(claims.items())
            if (view := Claim.of(claim)) is not None
        ),
    )


def job_sample(manifest: Manifest, known: Job | None) -> JobSample | None:
    """Return what the metrics need of a job, which is `known` if this version of it was read before; None if it cannot be read."""
    if known is not None:
        return JobSample(namespace=known.namespace, name=known.name, created=known.created, status=known.status)
    metadata = manifest["metadata"]
    try:
        return JobSample(
            namespace=metadata["namespace"],
            name=metadata["name"],
            created=parse_rfc3339(metadata["creationTimestamp"]),
            status=JobStatus.from_server(manifest.get("status") or {}),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
