"""The stage that tokenizes the text."""

from dataclasses import replace

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import DatasetInfo
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.stage_plan import StagePlan
from llmtrain_operator.core.stages.prepare import prepare, without_helpers
from unit.operator.builders import DATASET, failed_pod, job, pending_pod, pod, snapshot, started, succeeded_pod

DATA = {"source": {"volume": "datasets"}, "prepareWorkers": 3}
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


def test_pods_that_help_begin_elsewhere() -> None:
    stage = prepare(job(data=DATA), STATUS, pods=(), pull_policy="Always")
    assert [manifest["metadata"]["name"] for manifest in stage.desired] == ["j-prepare", "j-helper-1", "j-helper-2"]
    assert [manifest["spec"]["containers"][0]["args"][2:] for manifest in stage.desired] == [
        ["--part=0", "--parts=3"],
        ["--part=1", "--parts=3"],
        ["--part=2", "--parts=3"],
    ]


def test_one_pod_does_it_all_where_one_node_alone_can_mount_the_volumes() -> None:
    the_job = job(data=DATA)
    (manifest,) = prepare(the_job, STATUS, pods=(), pull_policy="Always", one_node=True).desired
    assert manifest["spec"]["containers"][0]["args"] == ["llmtrain_trainer", "prepare"]


def test_pods_that_help_are_not_waited_for() -> None:
    pods = (pod("j-prepare", "prepare"), pod("j-helper-1", "helper"), pending_pod("j-helper-2", "helper", "no CPU"))
    stage = prepare(job(data=DATA), STATUS, pods=pods, pull_policy="Always")
    assert [(update.type, update.status) for update in stage.conditions] == [("Scheduled", True), ("Running", True)]
    assert stage.conditions[1].message == "the text is being tokenized; 1 of 2 pods help"


def test_pods_that_help_end_with_the_stage() -> None:
    pods = (
        pod("j-prepare", "prepare"),
        pod("j-helper-1", "helper"),
        pod("j-helper-2", "helper", "Succeeded"),
        pod("j-helper-3", "helper", deleting=True),
        pod("j-helper-4", "helper", deleting=True, node="lost"),
    )
    later = without_helpers(StagePlan(stage="Starting"), pods, frozenset({"lost"}))
    assert [reference.name for reference in later.delete] == ["j-helper-1", "j-helper-4"]


@pytest.mark.parametrize("exit_code", [1, 2])
def test_a_pod_that_helped_fails_no_job_whose_dataset_is_made(exit_code: int) -> None:
    helper = failed_pod("j-helper-1", exit_code)
    the_job = job(started(), data=DATA, recovery={"maxFailures": 0})
    prepared = succeeded_pod(
        "j-prepare", "prepare", dataset=DatasetInfo.model_validate({**DATASET, "unigramLoss": 5.0})
    )
    plan = plan_job(snapshot(the_job, pods=(prepared, replace(helper, role="helper"))))
    assert plan.status.stage not in ("Failed", "Preparing")
    unmade = plan_job(snapshot(the_job, pods=(pod("j-prepare", "prepare"), replace(helper, role="helper"))))
    assert unmade.status.stage == "Failed"
