"""What a decision is made from: one frozen snapshot of a job or a cluster and everything around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.pod_view import PodView

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images of the pods that the operator makes, and what else the chart says of them."""

    coordinator: str
    trainer: str
    trainer_cpu: str
    pull_policy: str = "IfNotPresent"
    otlp_endpoint: str = ""
    """Where coordinators send their metrics by OpenTelemetry's protocol; empty: nowhere."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the API server holds it."""

    name: str
    namespace: str
    uid: str
    metadata_generation: int
    created: datetime
    spec: JobSpec
    status: JobStatus


@dataclass(frozen=True, kw_only=True)
class JobSnapshot:
    """Everything that planning one job looks at."""

    now: datetime
    job: Job
    cluster: ClusterSpec | None
    """Spec of the LLMCluster the job names; None if there is none."""
    clusters: tuple[str, ...] = ()
    """Names of all LLMClusters, to suggest."""
    pods: tuple[PodView, ...] = ()
    """Pods that the job owns."""
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    """Other objects that the job owns, by (kind, name)."""
    lost_nodes: frozenset[str] = frozenset()
    """Nodes of the job's pods that are not ready, or no longer there."""
    claims: dict[str, Manifest] = field(default_factory=dict)
    """Claims of the job's namespace, by name."""
    gpus_capacity: int = 0
    """GPUs of the nodes that the job may use."""
    gang_available: bool = False
    """Whether the API server serves PodGroups."""
    coordinator: CoordinatorStatus | None = None
    """What the job's coordinator answered; None if it runs not or did not answer."""
    images: Images

    def pod(self, name: str) -> PodView | None:
        """Return the job's pod `name`, if it exists."""
        return next((pod for pod in self.pods if pod.name == name), None)

    def with_role(self, role: str) -> tuple[PodView, ...]:
        """Return the job's pods of one role."""
        return tuple(pod for pod in self.pods if pod.role == role)


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """A node, as far as inventories need it."""

    name: str
    labels: dict[str, str]
    ready: bool
    reason: str
    """Why it can't be used; empty if it can."""
    schedulable_by_default: bool
    """Whether pods without special tolerations may run there."""
    gpus: int
    """GPUs that it offers."""
    gpus_allocated: int
    """GPUs that its pods asked for."""
    gpus_capacity: int = 0
    """GPUs that it has, be they healthy or not."""
    gpus_by_namespace: Mapping[str, int] = field(default_factory=dict)
    """Those that its pods asked for, by the pods' namespace."""


@dataclass(frozen=True, kw_only=True)
class ClusterSnapshot:
    """Everything that planning one LLMCluster looks at."""

    now: datetime
    name: str
    uid: str
    metadata_generation: int
    spec: ClusterSpec
    status: ClusterStatus
    nodes: tuple[NodeView, ...]
    claims: dict[tuple[str, str], Manifest]
    """Claims of the tenant namespaces, by (namespace, name)."""
    missing_namespaces: frozenset[str] = frozenset()
    """Tenant namespaces that were found missing when a claim was made."""
