"""PersistentVolumeClaims of storage pools. No job owns them, so data outlives the jobs that use it."""

from llmtrain_api.cluster import StoragePool
from llmtrain_api.names import CLUSTER_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from llmtrain_operator.core.manifest import Manifest


def persistent_volume_claim(pool: StoragePool, namespace: str, cluster: str) -> Manifest:
    """Return the claim of a storage pool of the LLMCluster `cluster` in `namespace`."""
    spec: Manifest = {
        "accessModes": [pool.access_mode],
        "resources": {"requests": {"storage": pool.size}},
    }
    if pool.storage_class_name:
        spec["storageClassName"] = pool.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": pool.name,
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, CLUSTER_LABEL: cluster},
        },
        "spec": spec,
    }
