"""LLMCluster: the compute and storage that a platform team offers to those who train."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.conditions import Condition
from llmtrain_api.model import Labels, Model, ObjectName, Quantity, Sentence


class ComputePool(Model):
    """Nodes of one kind."""

    name: ObjectName
    """Name of the pool."""
    node_selector: Labels = Field(default_factory=dict)
    """Labels of its nodes; empty takes every node that runs ordinary pods."""
    nodes: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Nodes expected; status says how many are there."""
    gpus_per_node: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs expected on each node."""
    product: Annotated[str, Field(max_length=128)] = ""
    """What kind of node it is, for people, such as "8x H200"."""


class StoragePool(Model):
    """Storage of one kind: each tenant namespace gets one claim, named like the pool."""

    name: ObjectName
    """Name of the pool and of its claims: a job's `volume` names it."""
    purpose: Literal["datasets", "models", "checkpoints"] = "datasets"
    """What it is meant for."""
    storage_class_name: Annotated[str, Field(max_length=253)] = ""
    """StorageClass of the claims; empty takes the Kubernetes cluster's default."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """ReadWriteMany lets workers on different nodes share it; ReadWriteOnce suits jobs of one node."""
    size: Quantity = "10Gi"
    """Size of each claim."""


class Tenant(Model):
    """A namespace that may use the cluster."""

    namespace: ObjectName
    """Name of the namespace."""


class ClusterSpec(Model):
    """What the cluster offers."""

    compute_pools: Annotated[list[ComputePool], Field(max_length=64)] = Field(
        default_factory=list,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Nodes to train on."""
    storage_pools: Annotated[list[StoragePool], Field(max_length=32)] = Field(
        default_factory=list,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Volumes that jobs can name."""
    tenants: Annotated[list[Tenant], Field(max_length=1000)] = Field(
        default_factory=list,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["namespace"]},
    )
    """Namespaces whose jobs may use the cluster and that get a claim of every storage pool; empty admits jobs of every namespace, whose claims are made when a job needs them."""


class PoolStatus(Model):
    """What is there of a compute pool."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the pool."""
    nodes_expected: int = 0
    """Nodes the spec expects."""
    nodes_ready: int = 0
    """Nodes that are there, ready and schedulable."""
    gpus_expected: int = 0
    """GPUs the spec expects."""
    gpus_capacity: int = 0
    """GPUs that the ready nodes offer."""
    gpus_allocated: int = 0
    """GPUs that pods have asked for on them."""
    not_ready: Annotated[list[Sentence], Field(max_length=32)] = Field(default_factory=list)
    """Nodes that are there but can't be used, each with the reason."""


class ClaimStatus(Model):
    """A claim of a storage pool in a tenant namespace."""

    namespace: Annotated[str, Field(max_length=63)]
    """Namespace of the claim."""
    name: Annotated[str, Field(max_length=63)]
    """Name of the claim and of the pool."""
    phase: Annotated[str, Field(max_length=32)] = ""
    """Pending, Bound or Lost, as Kubernetes says; Missing while the namespace isn't there."""


class ClusterStatus(Model):
    """What the operator saw of the cluster."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """Generation of the spec that the operator last acted on."""
    conditions: Annotated[list[Condition], Field(max_length=8)] = Field(default_factory=list)
    """Ready, with a reason and a sentence."""
    nodes_expected: int = 0
    """Nodes the spec expects in all pools."""
    nodes_ready: int = 0
    """Nodes that are there, ready and schedulable."""
    gpus_capacity: int = 0
    """GPUs that the ready nodes offer."""
    gpus_allocated: int = 0
    """GPUs that pods have asked for on them."""
    pools: Annotated[list[PoolStatus], Field(max_length=64)] = Field(default_factory=list)
    """The same for each pool."""
    claims: Annotated[list[ClaimStatus], Field(max_length=1000)] = Field(default_factory=list)
    """Claims in the tenant namespaces."""
