"""LLMCluster: compute and storage that a platform team offers for training jobs."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.conditions import Conditions
from llmtrain_api.model import Labels, Model, ObjectName, Quantity, Sentence


class ComputePool(Model):
    """A group of identical nodes."""

    name: ObjectName
    """Name of the pool."""
    node_selector: Labels = Field(default_factory=dict)
    """Labels that select the nodes of the pool. Empty selects every node that accepts pods without tolerations."""
    nodes: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Number of nodes expected. `status.pools` reports how many are ready."""
    gpus_per_node: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs expected on each node."""
    product: Annotated[str, Field(max_length=128)] = ""
    """Description of the node type, such as "8x H200"."""


class StoragePool(Model):
    """A kind of storage. Each tenant namespace gets one PersistentVolumeClaim with the name of the pool."""

    name: ObjectName
    """Name of the pool and of its claims. A job refers to it by `volume`."""
    purpose: Literal["datasets", "models", "checkpoints"] = "datasets"
    """Intended contents. Metrics group claims by it."""
    storage_class_name: Annotated[str, Field(max_length=253)] = ""
    """StorageClass of the claims. Defaults to that of the Kubernetes cluster."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """Access mode of the claims. ReadWriteMany allows workers on several nodes; ReadWriteOnce restricts a job to one node."""
    size: Quantity = "10Gi"
    """Size of each claim."""


class Tenant(Model):
    """A namespace whose jobs can use the cluster."""

    namespace: ObjectName
    """Name of the namespace."""


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


class PoolStatus(Model):
    """Observed state of a compute pool."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the pool."""
    nodes_expected: int = 0
    """Nodes that the spec expects."""
    nodes_ready: int = 0
    """Nodes that are ready and schedulable."""
    gpus_expected: int = 0
    """GPUs that the spec expects."""
    gpus_capacity: int = 0
    """Allocatable GPUs of the ready nodes."""
    gpus_allocated: int = 0
    """GPUs requested by pods on the ready nodes."""
    not_ready: Annotated[list[Sentence], Field(max_length=32)] = Field(default_factory=list)
    """Nodes that exist but cannot be used, each with the reason."""


class ClaimStatus(Model):
    """A claim of a storage pool in a tenant namespace."""

    namespace: Annotated[str, Field(max_length=63)]
    """Namespace of the claim."""
    name: Annotated[str, Field(max_length=63)]
    """Name of the claim and of the pool."""
    phase: Annotated[str, Field(max_length=32)] = ""
    """Phase of the claim: Pending, Bound or Lost; Missing while the namespace does not exist."""


class ClusterStatus(Model):
    """Observed state of the cluster."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """`metadata.generation` of the spec that the operator last acted on."""
    conditions: Conditions = Field(default_factory=list)
    """Conditions of the cluster. Ready is True while all expected nodes are ready."""
    nodes_expected: int = 0
    """Nodes that the spec expects in all pools."""
    nodes_ready: int = 0
    """Nodes that are ready and schedulable."""
    gpus_capacity: int = 0
    """Allocatable GPUs of the ready nodes."""
    gpus_allocated: int = 0
    """GPUs requested by pods on the ready nodes."""
    pools: Annotated[list[PoolStatus], Field(max_length=64)] = Field(default_factory=list)
    """Observed state of each compute pool."""
    claims: Annotated[list[ClaimStatus], Field(max_length=1000)] = Field(default_factory=list)
    """Claims of storage pools in the tenant namespaces."""
