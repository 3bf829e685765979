"""What a decision is made from: one frozen snapshot of a job or a cluster and everything around it."""

from dataclasses import dataclass, field
from datetime import datetime

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pod_view import PodView


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images of the pods that the operator creates, and related settings of the chart."""

    coordinator: str
    trainer: str
    trainer_cpu: str
    pull_policy: str = "IfNotPresent"
    otlp_endpoint: str = ""
    """OTLP endpoint that coordinators export metrics to; empty disables the export."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the API server returned it."""

    name: str
    namespace: str
    uid: str
    metadata_generation: int
    created: datetime
    spec: JobSpec
    status: JobStatus
    """The status as last written; decisions work on a copy."""


@dataclass(frozen=True, kw_only=True)
class JobSnapshot:
    """Everything that planning one job can depend on."""

    now: datetime
    job: Job
    cluster: ClusterSpec | None
    """Spec of the LLMCluster that the job names; None if it does not exist."""
    clusters: tuple[str, ...] = ()
    """Names of all LLMClusters, for suggestions."""
    pods: tuple[PodView, ...] = ()
    """Pods that the job owns."""
    objects: dict[ObjectKey, Manifest] = field(default_factory=dict)
    """Other objects that the job owns."""
    lost_nodes: frozenset[str] = frozenset()
    """Nodes of the job's pods that are not ready or no longer exist."""
    claims: dict[str, Manifest] = field(default_factory=dict)
    """PersistentVolumeClaims of the job's namespace, by name."""
    gpus_capacity: int = 0
    """Allocatable GPUs of the ready nodes that the job can use."""
    gang_available: bool = False
    """Whether the API server serves PodGroups."""
    coordinator: CoordinatorStatus | None = None
    """The coordinator's answer; None if it is not running or did not answer."""
    images: Images

    @property
    def ledger(self) -> TimeLedger | None:
        """The coordinator's time ledger; None if it did not answer, or keeps none yet."""
        return self.coordinator.ledger if self.coordinator else None

    @property
    def live_objects(self) -> dict[ObjectKey, Manifest]:
        """Every object of the job that exists, pods and claims included."""
        pods = {("Pod", pod.name): pod.manifest for pod in self.pods}
        claims = {("PersistentVolumeClaim", name): claim for name, claim in self.claims.items()}
        return {**self.objects, **claims, **pods}


@dataclass(frozen=True, kw_only=True)
class ClusterSnapshot:
    """Everything that planning one LLMCluster can depend on."""

    now: datetime
    name: str
    uid: str
    metadata_generation: int
    spec: ClusterSpec
    status: ClusterStatus
    """The status as last written."""
    nodes: tuple[NodeView, ...]
    claims: dict[tuple[str, str], Manifest]
    """PersistentVolumeClaims of the tenant namespaces, by (namespace, name)."""
    missing_namespaces: frozenset[str] = frozenset()
    """Tenant namespaces that did not exist when a claim was created there."""
