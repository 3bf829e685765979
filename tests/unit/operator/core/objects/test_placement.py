"""Every pod of a job runs on the nodes of its compute pool."""

from typing import Any

import pytest

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.coordinator import coordinator_pod
from llmtrain_operator.core.objects.placement import placement
from llmtrain_operator.core.objects.worker import stage_pod, worker_pod
from llmtrain_operator.core.snapshot import Job
from unit.operator.builders import job

TEAM = {"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}
SPOT = {"key": "spot", "operator": "Exists"}
POOL = ComputePool.model_validate({"name": "h200", "nodeSelector": {"gpu": "h200"}, "tolerations": [SPOT]})


def workers(**fields: Any) -> Any:
    return job(workers={"replicas": 2, **fields}).spec.workers


def pods_of(the_job: Job, pool: ComputePool | None) -> dict[str, Manifest]:
    """Return a pod of each builder, by role."""
    stage: dict[str, Any] = {"arguments": [], "image": "i", "pull_policy": "Always", "pool": pool}
    return {
        "coordinator": coordinator_pod(the_job, term=1, image="i", pull_policy="Always", gang="", pool=pool),
        "worker": worker_pod(the_job, 0, dataset="d", image="i", pull_policy="Always", gang="", pool=pool),
        "prepare": stage_pod(the_job, name="p", role="prepare", gpus=0, **stage),
        "publish": stage_pod(the_job, name="p", role="publish", gpus=8, **stage),
    }


@pytest.mark.parametrize("role", ["coordinator", "worker", "prepare", "publish"])
def test_every_pod_is_placed_in_the_pool_and_tolerates_the_taints_of_its_nodes(role: str) -> None:
    the_job = job(workers={"gpus": 8, "nodeSelector": {"disk": "nvme"}, "tolerations": [TEAM]}, training={"steps": 1})
    spec = pods_of(the_job, POOL)[role]["spec"]
    assert spec["nodeSelector"] == {"gpu": "h200", "disk": "nvme"}
    assert spec["tolerations"] == [SPOT, TEAM, {"key": "nvidia.com/gpu", "operator": "Exists"}]


def test_a_job_without_gpus_does_not_tolerate_the_taint_of_nodes_with_gpus() -> None:
    assert placement(workers(), POOL)["tolerations"] == [SPOT]


def test_a_toleration_of_both_the_pool_and_the_job_is_set_once() -> None:
    assert placement(workers(tolerations=[SPOT]), POOL)["tolerations"] == [SPOT]


def test_a_job_cannot_leave_its_pool() -> None:
    assert placement(workers(nodeSelector={"gpu": "a100"}), POOL)["nodeSelector"] == {"gpu": "h200"}


def test_pods_without_a_pool_or_a_selector_run_anywhere() -> None:
    assert placement(workers(), None) == {}
    assert placement(workers(), ComputePool(name="all")) == {}
