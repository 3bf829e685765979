"""LLMClusters, and changes of them, that the rules accept or reject, with the error message.

The contract tests run the rules' Python on them; the e2e tests submit them to an API server.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ClusterCase:
    """The spec of one LLMCluster. `refusal` is part of its error message; None if it is accepted."""

    sentence: str
    spec: dict[str, Any]
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClusterEdit:
    """A change of the spec of an LLMCluster. `refusal` is part of its error message; None if it is accepted."""

    sentence: str
    before: dict[str, Any]
    after: dict[str, Any]
    refusal: str | None = None


def pool(sentence: str, refusal: str | None = None, **fields: Any) -> ClusterCase:
    """Return the case of one compute pool."""
    return ClusterCase(sentence=sentence, spec={"computePools": [{"name": "h200", **fields}]}, refusal=refusal)


def changed(sentence: str, refusal: str | None = None, **fields: str) -> ClusterEdit:
    """Return the edit of fields of a storage pool."""
    pool = {"name": "datasets", "storageClassName": "nfs", "accessMode": "ReadWriteMany"}
    specs = [{"storagePools": [pool]}, {"storagePools": [{**pool, **fields}]}]
    return ClusterEdit(sentence=sentence, before=specs[0], after=specs[1], refusal=refusal)


def resized(sentence: str, before: str, after: str, refusal: str | None = None) -> ClusterEdit:
    """Return the edit of the size of a storage pool."""
    specs = [{"storagePools": [{"name": "datasets", "size": size}]} for size in (before, after)]
    return ClusterEdit(sentence=sentence, before=specs[0], after=specs[1], refusal=refusal)


CLUSTER_CASES: tuple[ClusterCase, ...] = (
    pool("a pool with a name alone"),
    pool("as many nodes at most as are expected", nodes=2, maxNodes=2),
    pool("fewer nodes at most than are expected", "maxNodes must not be less than nodes", nodes=2, maxNodes=1),
    pool(
        "resources that nodes are expected to have",
        expect={"allocatable": {"cpu": "180", "memory": "1900Gi", "rdma/hca_shared_devices_a": "8"}},
    ),
    pool(
        "a resource that no node can have",
        "expect.allocatable must have names of resources",
        expect={"allocatable": {"RDMA hca": "8"}},
    ),
    pool(
        "a fabric",
        fabric={
            "resources": {"rdma/hca": "8", "hugepages-2Mi": "1Gi"},
            "annotations": {"k8s.v1.cni.cncf.io/networks": "rail-0,rail-1"},
            "env": [{"name": "NCCL_IB_HCA", "value": "mlx5"}],
            "lockMemory": True,
        },
    ),
    pool(
        "a fabric of no devices",
        "fabric.resources must have amounts greater than 0",
        fabric={"resources": {"rdma/hca": "0"}},
    ),
    pool("a resource that nodes may lack", expect={"allocatable": {"rdma/hca": "0"}}),
    *(
        ClusterCase(
            sentence=f"a storage pool of the size {size}",
            spec={"storagePools": [{"name": "datasets", "size": size}]},
            refusal="size must be greater than 0",
        )
        for size in ("0", "0.0Gi", "00m")
    ),
    ClusterCase(sentence="a storage pool of one byte", spec={"storagePools": [{"name": "datasets", "size": "0.001k"}]}),
    pool(
        "a fabric of CPUs",
        "fabric.resources must have names of extended resources or huge pages",
        fabric={"resources": {"cpu": "8"}},
    ),
    pool(
        "a fabric with a reserved variable",
        "fabric.env must not set variables with the reserved prefix",
        fabric={"env": [{"name": "LLMTRAIN_WORKER", "value": "0"}]},
    ),
    pool(
        "a fabric with an annotation of the operator",
        "fabric.annotations must not have the prefix llmtrain.dev/",
        fabric={"annotations": {"llmtrain.dev/term": "9"}},
    ),
)

CLUSTER_EDITS: tuple[ClusterEdit, ...] = (
    resized("a storage pool that keeps its size in another notation", "1Gi", "1024Mi"),
    resized("a storage pool that grows", "10Gi", "1Ti"),
    resized("a storage pool that shrinks", "10Gi", "10G", refusal="size must not become smaller"),
    changed("a storage pool with another purpose", purpose="models"),
    changed(
        "a storage pool of another class", "storageClassName and accessMode must not change", storageClassName="ebs"
    ),
    changed(
        "a storage pool with another access mode",
        "storageClassName and accessMode must not change",
        accessMode="ReadWriteOnce",
    ),
    ClusterEdit(
        sentence="a further storage pool that is smaller than the others",
        before={"storagePools": [{"name": "datasets", "size": "10Gi"}]},
        after={"storagePools": [{"name": "datasets", "size": "10Gi"}, {"name": "models", "size": "1Gi"}]},
    ),
)
