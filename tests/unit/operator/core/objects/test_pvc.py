"""PersistentVolumeClaims of storage pools."""

from llmtrain_api.cluster import StoragePool
from llmtrain_operator.core.objects.pvc import persistent_volume_claim

POOL = StoragePool.model_validate({"name": "datasets", "size": "5Gi", "accessMode": "ReadWriteMany"})


def test_a_claim_requests_the_size_and_access_mode_of_its_pool() -> None:
    claim = persistent_volume_claim(POOL, "team", "main")
    assert (claim["metadata"]["name"], claim["metadata"]["namespace"]) == ("datasets", "team")
    assert claim["spec"] == {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "5Gi"}}}


def test_no_job_owns_a_claim() -> None:
    assert "ownerReferences" not in persistent_volume_claim(POOL, "team", "main")["metadata"]


def test_the_storage_class_is_set_only_if_the_pool_names_one() -> None:
    pool = POOL.model_copy(update={"storage_class_name": "fast"})
    assert persistent_volume_claim(pool, "team", "main")["spec"]["storageClassName"] == "fast"
