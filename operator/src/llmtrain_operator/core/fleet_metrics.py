"""What Prometheus is told of all jobs, pools and volumes: read off what the operator knows, with no memory of its own."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from llmtrain_api.cluster import ClusterSpec, ComputePool
from llmtrain_api.conditions import Condition, JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.metrics import operator as metrics
from llmtrain_api.metrics.metric import Metric
from llmtrain_operator.core.cluster import nodes_of
from llmtrain_operator.core.snapshot import NodeView
from llmtrain_operator.core.status.goodput import account_of, milliseconds, time_category

Sample = tuple[Metric, tuple[str, ...], float]
"""A metric, the values of its labels, and its own."""

CONDITION_PRECEDENCE = (
    JobCondition.FAILED,
    JobCondition.SUCCEEDED,
    JobCondition.SUSPENDED,
    JobCondition.DEGRADED,
    JobCondition.RUNNING,
)
"""Of the conditions that hold, the first of these is the job's current one."""


@dataclass(frozen=True, kw_only=True)
class JobSample:
    """One job."""

    namespace: str
    name: str
    created: datetime
    status: JobStatus


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a storage pool."""

    namespace: str
    cluster: str
    pool: str
    phase: str
    size_bytes: int
    """0 until it is bound."""


@dataclass(frozen=True, kw_only=True)
class FleetSnapshot:
    """All that is counted."""

    jobs: tuple[JobSample, ...]
    clusters: Mapping[str, ClusterSpec]
    nodes: tuple[NodeView, ...]
    claims: tuple[Claim, ...]


def samples(census: FleetSnapshot, *, now: datetime) -> Iterator[Sample]:
    """Return what is told."""
    yield from _of_jobs(census.jobs, now)
    for name, cluster in census.clusters.items():
        for pool in cluster.compute_pools:
            yield from _of_pool(name, pool, nodes_of(pool, census.nodes))
    yield from _of_claims(census)


def _of_jobs(jobs: tuple[JobSample, ...], now: datetime) -> Iterator[Sample]:
    numbers = Counter((job.namespace, *current_condition(job.status)) for job in jobs)
    for labels, number in sorted(numbers.items()):
        yield metrics.JOBS, labels, number
    for job in jobs:
        yield metrics.JOB_QUEUED, (job.namespace, job.name), queued_seconds(job, now)


def current_condition(status: JobStatus) -> tuple[str, str]:
    """Return a job's current condition and its reason: until something else holds, whether it is scheduled."""
    held = {condition.type: condition for condition in status.conditions if condition.status == "True"}
    found: Condition | None = next((held[type] for type in CONDITION_PRECEDENCE if type in held), None)
    found = found or next((one for one in status.conditions if one.type == JobCondition.SCHEDULED), None)
    return (found.type, found.reason) if found else (JobCondition.SCHEDULED.value, Reason.WAITING.value)


def queued_seconds(job: JobSample, now: datetime) -> float:
    """Return how long a job has waited for a place, to this moment if it waits."""
    account = account_of(job.status)
    told_ms = account.ms.get("queued", 0) if account else 0
    since_ms = account.until_ms if account else milliseconds(job.created)
    waits = time_category(job.status) == "queued"
    return (told_ms + (max(0, milliseconds(now) - since_ms) if waits else 0)) / 1000


def _of_pool(cluster: str, pool: ComputePool, nodes: tuple[NodeView, ...]) -> Iterator[Sample]:
    ready = len([node for node in nodes if node.ready])
    states = {"ready": ready, "unready": len(nodes) - ready, "missing": max(0, pool.nodes - len(nodes))}
    for state, number in states.items():
        yield metrics.POOL_NODES, (cluster, pool.name, state), number
    for node in nodes:
        yield metrics.POOL_NODE, (cluster, pool.name, node.name), 1
    gpus: Counter[str] = Counter({"allocated": 0, "idle": 0, "unhealthy": 0})
    held: Counter[str] = Counter()
    for node in nodes:
        gpus.update(gpu_states(node))
        held.update(node.gpus_by_namespace)
    for state, number in gpus.items():
        yield metrics.POOL_GPUS, (cluster, pool.name, state), number
    for namespace, number in sorted(held.items()):
        yield metrics.POOL_GPUS_ALLOCATED, (cluster, pool.name, namespace), number


def gpu_states(node: NodeView) -> dict[str, int]:
    """Return a node's GPUs by state; together they are its capacity."""
    allocated = min(node.gpus_allocated, node.gpus_capacity)
    free = node.gpus_capacity - allocated
    usable = max(0, node.gpus - allocated) if node.ready else 0
    idle = min(free, usable)
    return {"allocated": allocated, "idle": idle, "unhealthy": free - idle}


def _of_claims(census: FleetSnapshot) -> Iterator[Sample]:
    purposes = {
        (name, pool.name): pool.purpose for name, cluster in census.clusters.items() for pool in cluster.storage_pools
    }
    known = [(claim, purposes.get((claim.cluster, claim.pool), "none")) for claim in census.claims]
    phases = Counter((claim.namespace, purpose, claim.phase) for claim, purpose in known)
    for labels, number in sorted(phases.items()):
        yield metrics.PERSISTENT_VOLUME_CLAIMS, labels, number
    sizes: Counter[tuple[str, str]] = Counter()
    for claim, purpose in known:
        sizes[claim.namespace, purpose] += claim.size_bytes
    for place, size in sorted(sizes.items()):
        yield metrics.PERSISTENT_VOLUME_CLAIM_SIZE, place, size
