"""The stage that tokenizes the text."""

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.stages.prepare import prepare
from unit.operator.builders import job, pod, started

STATUS = JobStatus.model_validate(started())


def test_one_pod_without_gpus_prepares_the_dataset() -> None:
    stage = prepare(job(workers={"replicas": 2, "gpus": 8}), STATUS, pods=(), pull_policy="Always")
    (manifest,) = stage.desired
    (container,) = manifest["spec"]["containers"]
    assert (stage.stage, manifest["metadata"]["name"]) == ("Preparing", "j-prepare")
    assert container["args"] == ["llmtrain_trainer", "prepare"]
    assert (container["image"], container["imagePullPolicy"]) == ("trainer-cpu:0", "Always")
    assert "nvidia.com/gpu" not in container["resources"]["limits"]


def test_it_runs_once_its_pod_has_started() -> None:
    stage = prepare(job(), STATUS, pods=(pod("j-prepare", "prepare"),), pull_policy="Always")
    assert [(update.type, update.status) for update in stage.conditions] == [("Scheduled", True), ("Running", True)]
    assert stage.conditions[1].message == "the text is being tokenized"
