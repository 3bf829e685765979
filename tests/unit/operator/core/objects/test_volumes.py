"""Volumes of pods."""

from typing import Any

import pytest

from llmtrain_api.pods import Mount
from llmtrain_api.workers import Workers
from llmtrain_operator.core.objects.volumes import (
    claim_volumes,
    claims_of,
    ephemeral_storage,
    limit,
    mounted_volumes,
    run_config_volume,
    shared_memory_volume,
    tmp_volume,
)
from unit.operator.builders import job


def mounts(*items: dict[str, Any]) -> list[Mount]:
    return [Mount.model_validate(item) for item in items]


def test_temporary_files_have_a_size() -> None:
    assert tmp_volume("1Gi").source == {"emptyDir": {"sizeLimit": "1Gi"}}


@pytest.mark.parametrize(
    ("workers", "size"),
    [
        pytest.param({"resources": {"memory": "4Gi"}}, "2147483648", id="half of the memory by default"),
        pytest.param({"sharedMemory": "1Gi"}, "1Gi", id="what the job asks for"),
        pytest.param({"resources": {"memory": "3.5"}}, "1", id="a whole number of bytes"),
    ],
)
def test_shared_memory_has_a_size(workers: dict[str, Any], size: str) -> None:
    volume = shared_memory_volume(Workers.model_validate(workers))
    assert volume.path == "/dev/shm"
    assert volume.source == {"emptyDir": {"medium": "Memory", "sizeLimit": size}}


def test_claims_are_mounted_once_each_under_their_names() -> None:
    found = [(volume.name, volume.path) for volume in claim_volumes(("datasets", "checkpoints", "datasets"))]
    assert found == [("volume-0", "/volumes/datasets"), ("volume-1", "/volumes/checkpoints")]


def test_a_claim_that_is_only_read_is_mounted_so_unless_the_job_writes_to_it_too() -> None:
    volumes = claim_volumes(("datasets", "checkpoints"), read_only=("models", "datasets"))
    assert [(volume.path.rpartition("/")[2], volume.mount.get("readOnly", False)) for volume in volumes] == [
        ("datasets", False),
        ("checkpoints", False),
        ("models", True),
    ]


def test_the_run_config_is_that_of_the_job() -> None:
    assert run_config_volume("j", "0123456789").source == {"configMap": {"name": "j-run-01234567"}}


@pytest.mark.parametrize(
    ("mount", "source", "options"),
    [
        ({"claim": "c"}, {"persistentVolumeClaim": {"claimName": "c"}}, {"readOnly": True}),
        ({"claim": "c", "readOnly": False}, {"persistentVolumeClaim": {"claimName": "c"}}, {}),
        (
            {"claim": "c", "subPath": "a/b"},
            {"persistentVolumeClaim": {"claimName": "c"}},
            {"readOnly": True, "subPath": "a/b"},
        ),
        ({"secret": "s"}, {"secret": {"secretName": "s"}}, {"readOnly": True}),
        ({"configMap": "m"}, {"configMap": {"name": "m"}}, {"readOnly": True}),
        ({"image": "r/i:1"}, {"image": {"reference": "r/i:1"}}, {"readOnly": True}),
        ({"scratch": "1Ti"}, {"emptyDir": {"sizeLimit": "1Ti"}}, {}),
    ],
)
def test_a_mount_is_read_only_except_scratch_and_a_claim_that_is_not(
    mount: dict[str, Any], source: dict[str, Any], options: dict[str, Any]
) -> None:
    (volume,) = mounted_volumes(mounts({"path": "/x", **mount}))
    assert volume.source == source
    assert volume.mount == {"name": "mount-0", "mountPath": "/x", **options}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "5Gi"),
        ({"resources": {"scratch": "10G"}}, "10G"),
        ({"mounts": [{"path": "/a", "scratch": "1Gi"}, {"path": "/b", "claim": "c"}]}, str(6 * 1024**3)),
    ],
)
def test_all_scratch_space_counts(fields: dict[str, Any], expected: str) -> None:
    assert ephemeral_storage(Workers.model_validate(fields), default="5Gi") == expected


def test_no_size_of_an_older_job_is_unlimited() -> None:
    zero = {"scratch": "0", "memory": "4Gi"}
    workers = Workers.model_validate(
        {"resources": zero, "sharedMemory": "0.0Gi", "mounts": [{"path": "/a", "scratch": "0m"}]}
    )
    (mounted,) = mounted_volumes(workers.mounts)
    sizes = [volume.source["emptyDir"]["sizeLimit"] for volume in (shared_memory_volume(workers), mounted)]
    assert sizes == [str(2 * 2**30), "5Gi"]
    assert ephemeral_storage(workers, default="5Gi") == str(10 * 2**30)
    assert limit("0", "5Gi") == limit(None, "5Gi") == "5Gi"


def test_the_smallest_sizes_are_limits() -> None:
    workers = Workers.model_validate(
        {"resources": {"scratch": "0.4", "memory": "1"}, "mounts": [{"path": "/a", "scratch": "0.1"}]}
    )
    assert shared_memory_volume(workers).source["emptyDir"]["sizeLimit"] == "1"
    assert ephemeral_storage(workers, default="5Gi") == "1"


def test_every_claim_is_known_by_its_field() -> None:
    workers = {"replicas": 2, "mounts": [{"path": "/a", "secret": "s"}, {"path": "/b", "claim": "more"}]}
    assert claims_of(job(workers=workers).spec) == (
        ("spec.data.source.volume", "datasets"),
        ("spec.checkpoint.volume", "checkpoints"),
        ("spec.workers.mounts[1].claim", "more"),
    )


@pytest.mark.parametrize("field", ["from", "vectors"])
def test_the_volume_of_files_of_a_model_is_one_of_the_claims(field: str) -> None:
    model = {field: {"volume": "models", "path": "minilm"}}
    assert (f"spec.model.{field}.volume", "models") in claims_of(job(model=model).spec)
    model[field]["job"] = "base"
    assert (f"spec.model.{field}.job", "models") in claims_of(job(model=model).spec)
