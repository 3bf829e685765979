"""The stage that evaluates and exports the trained model."""

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.stages.publish import publish
from unit.operator.builders import DATASET, job, pod, started, succeeded_pod

STATUS = JobStatus.model_validate(started(dataset=DATASET, workers={"ready": 2, "active": 2}))
PODS = (succeeded_pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))


def test_one_pod_with_a_workers_gpus_publishes_the_model() -> None:
    stage = publish(job(workers={"gpus": 8}), STATUS, pods=PODS, pull_policy="Always", lost_nodes=frozenset())
    (manifest,) = stage.desired
    (container,) = manifest["spec"]["containers"]
    assert (stage.stage, manifest["metadata"]["name"]) == ("Publishing", "j-publish")
    assert container["args"] == ["llmtrain_trainer", "publish", "--dataset", "d1"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"


def test_the_coordinator_and_unfinished_workers_are_deleted_and_no_worker_is_counted() -> None:
    stage = publish(job(), STATUS, pods=PODS, pull_policy="Always", lost_nodes=frozenset())
    assert [reference.name for reference in stage.delete] == ["j-coordinator", "j-worker-1"]
    assert (stage.update["workers"].ready, stage.update["workers"].active) == (0, 0)
