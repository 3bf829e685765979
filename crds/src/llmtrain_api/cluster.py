"""LLMCluster: compute and storage that a platform team offers for training jobs."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.conditions import Conditions
from llmtrain_api.model import Labels, Model, ObjectName, Quantity, Sentence
from llmtrain_api.workers import Toleration

ResourceAmounts = Annotated[dict[Annotated[str, Field(min_length=1, max_length=128)], Quantity], Field(max_length=16)]
"""Amounts of resources, by name."""
Annotations = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=317)], Annotated[str, Field(max_length=1024)]],
    Field(max_length=16),
]


class Expectation(Model):
    """What each node of a compute pool must have. `status.pools` names what nodes lack."""

    labels: Labels = Field(default_factory=dict)
    """Labels and their values, such as the product of the GPUs."""
    allocatable: ResourceAmounts = Field(default_factory=dict)
    """Least allocatable amount of each resource, such as cpu, memory, or rdma/hca of a network device plugin. `gpusPerNode` adds nvidia.com/gpu."""


class FabricVariable(Model):
    """An environment variable of workers."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable. The prefix LLMTRAIN_ is reserved."""
    value: Annotated[str, Field(max_length=1024)] = ""
    """Value of the variable."""


class Fabric(Model):
    """What workers need to use the network between the nodes of a compute pool. It is added to each worker that is created while its job has several workers, so that jobs need not know it."""

    resources: ResourceAmounts = Field(default_factory=dict)
    """Resources of a device plugin, such as rdma/hca. They are requests and limits of the worker."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the pod, such as those that attach further networks."""
    env: Annotated[list[FabricVariable], Field(max_length=64)] = Field(default_factory=list)
    """Environment variables, such as NCCL_IB_HCA. A variable of the job with the same name has precedence."""
    lock_memory: bool = False
    """Adds the capability IPC_LOCK, with which RDMA locks memory. Workers with an RDMA resource have it anyway. The Pod Security Standards baseline and restricted do not admit it."""


class ComputePool(Model):
    """A group of identical nodes. A job is placed in one pool, with all its pods."""

    name: ObjectName
    """Name of the pool. A job refers to it by `workers.pools`."""
    node_selector: Labels = Field(default_factory=dict)
    """Labels that select the nodes of the pool. Every pod that is placed in the pool selects them. Empty selects every node whose taints the pool tolerates."""
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)
    """Taints of the nodes. Every pod that is placed in the pool tolerates them, and those of a job with GPUs also the taint nvidia.com/gpu."""
    nodes: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Number of nodes expected. `status.pools` reports how many are ready."""
    max_nodes: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Most nodes that an autoscaler can bring the pool to. The pods of a job are created although nodes for them are missing, because pending pods make it add nodes. Unset means that the pool does not grow."""
    gpus_per_node: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs expected on each node."""
    expect: Expectation = Expectation()
    """What each node must have. A node that lacks something does not count as ready in `status.pools`, which names what is missing."""
    fabric: Fabric = Fabric()
    """What workers need to use the network between the nodes."""


class StoragePool(Model):
    """A kind of storage. Each tenant namespace gets one PersistentVolumeClaim with the name of the pool."""

    name: ObjectName
    """Name of the pool and of its claims. A job refers to it by `volume`."""
    purpose: Literal["datasets", "models", "checkpoints"] = "datasets"
    """Intended contents. Metrics group claims by it."""
    storage_class_name: Annotated[str, Field(max_length=253)] = ""
    """StorageClass of the claims, which cannot be changed. Defaults to that of the Kubernetes cluster."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """Access mode of the claims. ReadWriteMany allows workers on several nodes; ReadWriteOnce restricts a job to one node. It cannot be changed."""
    size: Quantity = "10Gi"
    """Size of each claim. A larger one makes the existing claims grow, if their StorageClass allows volume expansion; a smaller one is rejected."""


class Allowed(Model):
    """What jobs can use to run before others or on reserved nodes. Without a list all is allowed except what belongs to Kubernetes itself."""

    priority_classes: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(max_length=32)] | None
    ) = None
    """Names of the PriorityClasses that jobs can use. An empty list allows none; unset allows all that do not begin with system-."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] | None = None
    """Tolerations that jobs can have in addition to those of their compute pools. An empty list allows none; unset allows all except those of node roles, such as the control plane."""


class Tenant(Model):
    """A namespace whose jobs can use the cluster."""

    namespace: ObjectName
    """Name of the namespace."""
    allowed: Allowed = Allowed()
    """What jobs of the namespace can use in addition to `spec.allowed`."""


class ClusterSpec(Model):
    """Desired state of the cluster."""

    compute_pools: Annotated[list[ComputePool], Field(max_length=64)] = Field(
        default_factory=list,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Groups of nodes that jobs can use."""
    storage_pools: Annotated[list[StoragePool], Field(max_length=32)] = Field(
        default_factory=list,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Storage that jobs can refer to by name."""
    tenants: Annotated[list[Tenant], Field(max_length=1000)] = Field(
        default_factory=list,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["namespace"]},
    )
    """Namespaces whose jobs can use the cluster; each gets a claim of every storage pool. Empty admits jobs of all namespaces, and claims are created when a job needs them."""
    allowed: Allowed = Allowed()
    """PriorityClasses and tolerations that jobs can use."""


class PoolStatus(Model):
    """Observed state of a compute pool."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the pool."""
    nodes_expected: int = 0
    """Nodes that the spec expects."""
    nodes_ready: int = 0
    """Nodes that are ready and schedulable, and have what the spec expects of each."""
    gpus_expected: int = 0
    """GPUs that the spec expects."""
    gpus_capacity: int = 0
    """Allocatable GPUs of the nodes where pods can run, including nodes that lack something."""
    gpus_allocated: int = 0
    """GPUs requested by pods on these nodes."""
    not_ready: Annotated[list[Sentence], Field(max_length=32)] = Field(default_factory=list)
    """Nodes that exist but cannot be used, each with the reason."""
    lacking: Annotated[list[Sentence], Field(max_length=32)] = Field(default_factory=list)
    """Nodes where pods can run but that do not have what the spec expects, each with what is missing."""


class ClaimStatus(Model):
    """A claim of a storage pool in a tenant namespace."""

    namespace: Annotated[str, Field(max_length=63)]
    """Namespace of the claim."""
    name: Annotated[str, Field(max_length=63)]
    """Name of the claim and of the pool."""
    phase: Annotated[str, Field(max_length=32)] = ""
    """Phase of the claim: Pending, Bound or Lost; Missing while the namespace does not exist."""
    size: Annotated[str, Field(max_length=64)] = ""
    """Size of the volume. It is smaller than that of the storage pool while the claim grows."""
    message: Sentence = ""
    """How far the claim has grown, in Kubernetes' words; empty if it does not grow."""


class ClusterStatus(Model):
    """Observed state of the cluster."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """`metadata.generation` of the spec that the operator last acted on."""
    conditions: Conditions = Field(default_factory=list)
    """Conditions of the cluster. Ready is True while all expected nodes are ready."""
    nodes_expected: int = 0
    """Nodes that the spec expects in all pools."""
    nodes_ready: int = 0
    """Nodes that are ready and schedulable, and have what their pool expects of each."""
    gpus_capacity: int = 0
    """Allocatable GPUs of the nodes where pods can run."""
    gpus_allocated: int = 0
    """GPUs requested by pods on these nodes."""
    pools: Annotated[list[PoolStatus], Field(max_length=64)] = Field(default_factory=list)
    """Observed state of each compute pool."""
    claims: Annotated[list[ClaimStatus], Field(max_length=1000)] = Field(default_factory=list)
    """Claims of storage pools: those of the tenant namespaces, and others that grow."""
