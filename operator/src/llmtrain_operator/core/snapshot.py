"""What a decision is made from: one frozen snapshot of a job or a cluster and everything around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.conditions import Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.pools import Capacity, Inventory


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images of the pods that the operator creates, and related settings of the chart."""

    coordinator: str
    trainer: str
    trainer_cpu: str
    pull_policy: str = "IfNotPresent"
    operator_namespace: str = ""
    """Namespace of the operator, which network policies of jobs must let in."""
    otlp_endpoint: str = ""
    """OTLP endpoint that coordinators export metrics to; empty disables the export."""
    coordinator_from: tuple[Manifest, ...] | None = None
    """NetworkPolicy peers that reach coordinators from outside of their jobs; None means that jobs get no NetworkPolicy."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the API server returned it."""

    name: str
    namespace: str
    uid: str
    metadata_generation: int
    created: datetime
    deleting: bool = False
    """Whether it is being deleted; the finalizer of another controller can keep it."""
    spec: JobSpec
    status: JobStatus
    """The status as last written; decisions work on a copy."""


Verb = Literal["create", "change", "delete"]
RequestKey = tuple[Verb, ObjectKey]
"""What is requested for which object."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request that the API server refused when it was made last."""

    verb: Verb = "create"
    key: ObjectKey
    """The object."""
    reason: Reason
    """The reason of the condition that reports it."""
    message: str
    """The server's words, and the remedy."""
    retry_after: timedelta | None = timedelta(0)
    """How long to wait before the request is made again, not positive when it is due; None until objects change."""
    is_transient: bool = False
    """Whether the same request may succeed at once: the server, or a webhook that it asks, has a problem."""
    is_reported: bool = True
    """Whether a condition reports it: not a transient one that is the first."""

    @property
    def request(self) -> RequestKey:
        """The request that was refused."""
        return self.verb, self.key


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A coordinator that runs and does not answer the operator."""

    since: datetime
    """When it answered last, or was asked first."""
    duration: timedelta
    """How long that was before the last question, by a monotonic clock."""
    unanswered: int
    """Questions since then."""
    has_answered: bool
    """Whether this pod has answered before."""
    is_common: bool = False
    """Whether others on other nodes are silent too, and none has answered since: the operator itself may be cut off."""
    error: str = ""
    """Why the last question was not answered."""
    is_refusal: bool = False
    """Whether it was refused: the coordinator is there, and accepts no token of the operator's."""


@dataclass(frozen=True, kw_only=True)
class JobSnapshot:
    """Everything that planning one job can depend on."""

    now: datetime
    job: Job
    cluster: ClusterSpec | None
    """Spec of the LLMCluster that the job names; None if it does not exist, or cannot be read."""
    cluster_error: str = ""
    """Why it cannot be read; empty if it can, or does not exist."""
    clusters: tuple[str, ...] = ()
    """Names of all LLMClusters, for suggestions."""
    source_job: Job | None = None
    """The job in `spec.model.from`, as long as this one has not started; None if it does not exist, or cannot be read."""
    source_error: str = ""
    """Why it cannot be read; empty if it can, or does not exist."""
    source_cycle: tuple[str, ...] = ()
    """Jobs that wait for each other's model, of which this one is one or waits for one, in order; usually there are none."""
    pods: tuple[PodView, ...] = ()
    """Pods that the job owns."""
    objects: dict[ObjectKey, Manifest] = field(default_factory=dict)
    """Other objects that the job owns."""
    nodes: NodeStates = field(default_factory=NodeStates)
    """What is known of the nodes of the job's pods."""
    lost_nodes: frozenset[str] = frozenset()
    """Those of them that are lost, as `policies/node_loss.py` decides: their kubelets neither stop pods nor report ends."""
    claims: dict[str, Manifest] = field(default_factory=dict)
    """PersistentVolumeClaims of the job's namespace, by name."""
    unbound_claims: dict[str, str] = field(default_factory=dict)
    """Claims that are not bound and that pods without a node wait for, with the newest warning event; empty without one."""
    capacities: Mapping[str, Capacity] = field(default_factory=dict)
    """What each compute pool of the LLMCluster offers to the job, by name: only nodes whose taints its pods tolerate count."""
    gang_available: bool = False
    """Whether the API server serves PodGroups."""
    coordinator: CoordinatorStatus | None = None
    """The coordinator's answer; None if it is not running or did not answer."""
    coordinator_asked: bool = True
    """Whether the coordinator was asked just now, since the last plan."""
    generations_seen: Mapping[int, datetime] = field(default_factory=dict)
    """When this operator saw each membership generation last, before this snapshot."""
    silence: Silence | None = None
    """The silence of the coordinator that runs; None if it answers."""
    images: Images
    token: str = field(repr=False)
    """The token of the job, which its coordinator demands."""
    token_created: bool = False
    """Whether this process has created the Secret with the token, or found that it exists."""
    refusals: tuple[Refusal, ...] = ()
    """Refusals by the API server, oldest first, each until the request succeeds or is no longer needed."""
    taken: dict[ObjectKey, Manifest] = field(default_factory=dict)
    """Known objects with a name of the job's that it does not own, such as those of an earlier job of its name."""
    unrepairable: dict[ObjectKey, Manifest] = field(default_factory=dict)
    """Objects that a webhook changed back when they were repaired, by what was applied."""
    status_age: timedelta | None = None
    """Time since the status was written; None if this process has not written it."""

    @property
    def ledger(self) -> TimeLedger | None:
        """The coordinator's time ledger; None if it did not answer, or keeps none yet."""
        return self.coordinator.ledger if self.coordinator else None

    @property
    def membership_generation(self) -> int:
        """The membership generation that the coordinator reports; 0 if it did not answer, or has none yet."""
        return self.coordinator.generation if self.coordinator else 0

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
    inventory: Inventory
    """The nodes of its compute pools."""
    claims: dict[tuple[str, str], Manifest]
    """PersistentVolumeClaims of its storage pools, by (namespace, name)."""
    missing_namespaces: frozenset[str] = frozenset()
    """Tenant namespaces that did not exist when a claim was created there last."""
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    """Last refusals of claims, by (namespace, name)."""
