"""Worker pods, and the pods of the stages prepare and publish."""

from typing import Any

import pytest

from llmtrain_operator.core.objects.worker import resources, stage_pod, worker_pod
from unit.operator.builders import job


def worker(dataset: str = "d1", gang: str = "", **workers: Any) -> dict[str, Any]:
    the_job = job(workers={"replicas": 2, **workers})
    return worker_pod(the_job, 1, dataset=dataset, image="trainer:1", pull_policy="Always", gang=gang)


def test_a_worker_trains_on_the_dataset_if_there_is_one() -> None:
    assert worker()["spec"]["containers"][0]["args"] == ["llmtrain_trainer", "worker", "--dataset", "d1"]
    assert worker(dataset="")["spec"]["containers"][0]["args"] == ["llmtrain_trainer", "worker"]


def test_a_worker_knows_its_number() -> None:
    manifest = worker()
    assert manifest["metadata"]["name"] == "j-worker-1"
    assert {"name": "LLMTRAIN_WORKER", "value": "1"} in manifest["spec"]["containers"][0]["env"]


def test_workers_whose_volume_only_one_node_can_mount_run_on_one_node() -> None:
    manifest = worker_pod(job(), 1, dataset="d", image="i", pull_policy="Always", gang="", one_node=True)
    assert "topologySpreadConstraints" not in manifest["spec"]
    (preference,) = manifest["spec"]["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert (
        preference["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= manifest["metadata"]["labels"].items()
    )


def test_requests_equal_limits() -> None:
    workers = job(workers={"replicas": 2, "resources": {"scratch": "1Ti", "extra": {"rdma/hca": "8"}}}).spec.workers
    found = resources(workers, 8, workers.resources.extra)
    assert found["requests"] == found["limits"]
    assert found["limits"] == {
        "cpu": "1",
        "memory": "2Gi",
        "nvidia.com/gpu": "8",
        "rdma/hca": "8",
        "ephemeral-storage": "1Ti",
    }
    assert not {"nvidia.com/gpu", "rdma/hca"} & resources(workers, 0)["limits"].keys()


def test_ephemeral_storage_that_the_job_does_not_name_is_only_limited() -> None:
    found = resources(job().spec.workers, 0)
    assert (found["requests"].pop("ephemeral-storage"), found["limits"].pop("ephemeral-storage")) == ("0", "5Gi")
    assert found["requests"] == found["limits"]


def test_only_workers_without_gpus_are_spread_over_nodes() -> None:
    (constraint,) = worker()["spec"]["topologySpreadConstraints"]
    assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
    assert "topologySpreadConstraints" not in worker(gpus=8)["spec"]


def test_the_pod_of_a_stage_mounts_both_volumes() -> None:
    manifest = stage_pod(
        job(),
        name="j-prepare",
        role="prepare",
        arguments=["prepare"],
        gpus=0,
        image="i",
        pull_policy="Always",
        pool=None,
    )
    paths = [mount["mountPath"] for mount in manifest["spec"]["containers"][0]["volumeMounts"]]
    assert {"/volumes/datasets", "/volumes/checkpoints"} <= set(paths)


@pytest.mark.parametrize("field", ["from", "vectors"])
def test_the_volume_of_files_of_a_model_is_mounted_into_workers_and_stages_read_only(field: str) -> None:
    the_job = job(model={field: {"volume": "models", "path": "minilm"}})
    pods = (
        worker_pod(the_job, 0, dataset="d", image="i", pull_policy="Always", gang=""),
        *(
            stage_pod(
                the_job, name="j", role=role, arguments=[role], gpus=0, image="i", pull_policy="Always", pool=None
            )
            for role in ("prepare", "publish")
        ),
    )
    for manifest in pods:
        mounts = manifest["spec"]["containers"][0]["volumeMounts"]
        (mount,) = (mount for mount in mounts if mount["mountPath"] == "/volumes/models")
        assert mount["readOnly"]
        (volume,) = (volume for volume in manifest["spec"]["volumes"] if volume["name"] == mount["name"])
        assert volume["persistentVolumeClaim"] == {"claimName": "models"}
