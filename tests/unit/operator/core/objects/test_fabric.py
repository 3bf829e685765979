"""Workers of jobs with several workers get what the network of their compute pool needs."""

from typing import Any

import pytest

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.worker import worker_pod
from unit.operator.builders import job

FABRIC = {
    "resources": {"rdma/hca": "8"},
    "annotations": {"k8s.v1.cni.cncf.io/networks": "rail-0"},
    "env": [{"name": "NCCL_IB_HCA", "value": "mlx5"}, {"name": "NCCL_DEBUG", "value": "WARN"}],
    "lockMemory": True,
}


def worker(fabric: dict[str, Any], **workers: Any) -> Manifest:
    pool = ComputePool.model_validate({"name": "h200", "fabric": fabric})
    the_job = job(workers={"replicas": 2, **workers})
    return worker_pod(the_job, 0, dataset="d", image="i", pull_policy="Always", gang="", pool=pool)


def test_the_fabric_is_added_to_the_worker() -> None:
    manifest = worker(FABRIC)
    (container,) = manifest["spec"]["containers"]
    assert manifest["metadata"]["annotations"].items() >= FABRIC["annotations"].items()
    assert container["env"][0] == {"name": "NCCL_IB_HCA", "value": "mlx5"}
    assert container["resources"]["requests"]["rdma/hca"] == container["resources"]["limits"]["rdma/hca"] == "8"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["IPC_LOCK"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_what_the_job_sets_itself_has_precedence() -> None:
    manifest = worker(
        FABRIC,
        env=[{"name": "NCCL_DEBUG", "value": "INFO"}],
        resources={"extra": {"rdma/hca": "4"}},
        annotations={"k8s.v1.cni.cncf.io/networks": "rail-1"},
    )
    (container,) = manifest["spec"]["containers"]
    assert [variable["value"] for variable in container["env"] if variable["name"] == "NCCL_DEBUG"] == ["INFO"]
    assert container["resources"]["limits"]["rdma/hca"] == "4"
    assert manifest["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"] == "rail-1"


def test_memory_can_be_locked_for_devices_of_any_name() -> None:
    context = worker({"lockMemory": True})["spec"]["containers"][0]["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["IPC_LOCK"]}


@pytest.mark.parametrize(
    ("fabric", "workers"),
    [
        pytest.param(FABRIC, {"replicas": 1}, id="a job with one worker"),
        pytest.param({}, {}, id="a pool without a fabric"),
    ],
)
def test_other_workers_stay_as_they_are(fabric: dict[str, Any], workers: dict[str, Any]) -> None:
    bare = worker_pod(job(workers={"replicas": 2, **workers}), 0, dataset="d", image="i", pull_policy="Always", gang="")
    assert worker(fabric, **workers) == bare
