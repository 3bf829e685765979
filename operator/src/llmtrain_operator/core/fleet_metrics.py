"""Samples of all jobs, pools and claims for Prometheus, computed from one snapshot without any memory."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from llmtrain_api.cluster import ClusterSpec, ComputePool
from llmtrain_api.conditions import Condition, JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.metrics import operator as metrics
from llmtrain_api.metrics.metric import Sample
from llmtrain_api.names import CLUSTER_LABEL
from llmtrain_api.quantity import whole_amount
from llmtrain_operator.core.manifest import Manifest, strings_at, text_at, value_at
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pools import nodes_of
from llmtrain_operator.core.status.goodput import ledger_of, milliseconds, time_category

CONDITION_PRECEDENCE = (
    JobCondition.FAILED,
    JobCondition.SUCCEEDED,
    JobCondition.SUSPENDED,
    JobCondition.DEGRADED,
    JobCondition.RUNNING,
)
"""A job's current condition is the first of these that is True."""


@dataclass(frozen=True, kw_only=True)
class JobSample:
    """One job."""

    namespace: str
    name: str
    created: datetime
    status: JobStatus


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One PersistentVolumeClaim of a storage pool."""

    namespace: str
    cluster: str
    pool: str
    phase: str
    size_bytes: int
    """0 until it is bound."""

    @classmethod
    def of(cls, claim: Manifest) -> Self | None:
        """Return the view of a claim as the API server returned it; None if it belongs to no storage pool."""
        cluster = strings_at(claim, "metadata", "labels").get(CLUSTER_LABEL)
        if cluster is None:
            return None
        return cls(
            namespace=text_at(claim, "metadata", "namespace"),
            cluster=cluster,
            pool=text_at(claim, "metadata", "name"),
            phase=text_at(claim, "status", "phase") or "Pending",
            size_bytes=whole_amount(value_at(claim, "status", "capacity", "storage")) or 0,
        )


@dataclass(frozen=True, kw_only=True)
class FleetSnapshot:
    """Everything that is counted."""

    jobs: tuple[JobSample, ...]
    clusters: Mapping[str, ClusterSpec]
    """Specs of the LLMClusters, by name."""
    nodes: tuple[NodeView, ...]
    claims: tuple[Claim, ...]


def fleet_samples(snapshot: FleetSnapshot, *, now: datetime) -> Iterator[Sample]:
    """Yield the samples of everything in `snapshot`."""
    yield from job_samples(snapshot.jobs, now)
    for name, cluster in snapshot.clusters.items():
        for pool in cluster.compute_pools:
            yield from pool_samples(name, pool, nodes_of(pool, snapshot.nodes))
    yield from claim_samples(snapshot.claims, snapshot.clusters)


def job_samples(jobs: tuple[JobSample, ...], now: datetime) -> Iterator[Sample]:
    """Yield the jobs by current condition, and how long each has been queued."""
    numbers = Counter((job.namespace, *current_condition(job.status)) for job in jobs)
    for labels, number in sorted(numbers.items()):
        yield Sample(metrics.JOBS, labels, number)
    for job in jobs:
        yield Sample(metrics.JOB_QUEUED, (job.namespace, job.name), queued_seconds(job, now))


def current_condition(status: JobStatus) -> tuple[str, str]:
    """Return a job's current condition and its reason; Scheduled, whether True or False, if no other holds."""
    held = {condition.type: condition for condition in status.conditions if condition.status == "True"}
    found: Condition | None = next((held[type] for type in CONDITION_PRECEDENCE if type in held), None)
    found = found or next(
        (condition for condition in status.conditions if condition.type == JobCondition.SCHEDULED), None
    )
    return (found.type, found.reason) if found else (JobCondition.SCHEDULED.value, Reason.WAITING.value)


def queued_seconds(job: JobSample, now: datetime) -> float:
    """Return how long a job has been queued in its lifetime, until `now` if it is queued."""
    ledger = ledger_of(job.status)
    accounted_ms = ledger.ms.get("queued", 0) if ledger else 0
    since_ms = ledger.until_ms if ledger else milliseconds(job.created)
    is_queued = time_category(job.status) == "queued"
    return (accounted_ms + (max(0, milliseconds(now) - since_ms) if is_queued else 0)) / 1000


def pool_samples(cluster: str, pool: ComputePool, nodes: tuple[NodeView, ...]) -> Iterator[Sample]:
    """Yield the nodes and GPUs of one compute pool; `nodes` are those of the pool."""
    ready = len([node for node in nodes if node.ready])
    states = {"ready": ready, "unready": len(nodes) - ready, "missing": max(0, pool.nodes - len(nodes))}
    for state, number in states.items():
        yield Sample(metrics.POOL_NODES, (cluster, pool.name, state), number)
    for node in nodes:
        yield Sample(metrics.POOL_NODE, (cluster, pool.name, node.name), 1)
    gpus: Counter[str] = Counter({"allocated": 0, "idle": 0, "unhealthy": 0})
    allocated: Counter[str] = Counter()
    for node in nodes:
        gpus.update(gpu_states(node))
        allocated.update(node.gpus_by_namespace)
    for state, number in gpus.items():
        yield Sample(metrics.POOL_GPUS, (cluster, pool.name, state), number)
    for namespace, number in sorted(allocated.items()):
        yield Sample(metrics.POOL_GPUS_ALLOCATED, (cluster, pool.name, namespace), number)


def gpu_states(node: NodeView) -> dict[str, int]:
    """Return a node's GPUs by state; the numbers add up to its capacity."""
    allocated = min(node.gpus_allocated, node.gpus_capacity)
    free = node.gpus_capacity - allocated
    usable = max(0, node.gpus - allocated) if node.ready else 0
    idle = min(free, usable)
    return {"allocated": allocated, "idle": idle, "unhealthy": free - idle}


def claim_samples(claims: Iterable[Claim], clusters: Mapping[str, ClusterSpec]) -> Iterator[Sample]:
    """Yield the claims by namespace, purpose of their storage pool and phase, and their sizes."""
    purposes = {(name, pool.name): pool.purpose for name, cluster in clusters.items() for pool in cluster.storage_pools}
    phases: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for claim in claims:
        purpose = purposes.get((claim.cluster, claim.pool), "none")
        phases[claim.namespace, purpose, claim.phase] += 1
        sizes[claim.namespace, purpose] += claim.size_bytes
    for labels, number in sorted(phases.items()):
        yield Sample(metrics.PERSISTENT_VOLUME_CLAIMS, labels, number)
    for owner, size_bytes in sorted(sizes.items()):
        yield Sample(metrics.PERSISTENT_VOLUME_CLAIM_SIZE, owner, size_bytes)
