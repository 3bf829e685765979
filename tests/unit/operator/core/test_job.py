"""The life of a job, stage by stage."""

from dataclasses import replace
from typing import Any

from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.termination import DatasetInfo, ModelInfo, TerminationMessage
from llmtrain_operator.core.job import plan_job, rejected
from llmtrain_operator.core.pod_view import PodView
from unit.operator.builders import DATASET, IMAGES, ago, conditions, job, pod, snapshot, started

FACTS = DatasetInfo(id="d1", tokens=1000, held_out_tokens=50, vocab_size=4096, unigram_loss=6.5)
MADE = ModelInfo(loss=3.0, perplexity=20.1, unigram_perplexity=665.1, parameters=9, path="j-uid-of-j/model")


def done(name: str, role: str, **facts: Any) -> Any:
    return pod(name, role, "Succeeded", end_message=TerminationMessage(reason="Completed", **facts).to_message())


def names(plan: Any) -> list[str]:
    return [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in plan.apply]


def test_a_new_job_gets_claims_config_and_the_prepare_pod() -> None:
    plan = plan_job(snapshot())
    assert names(plan) == [
        "PersistentVolumeClaim datasets",
        "PersistentVolumeClaim checkpoints",
        "ConfigMap j-run",
        "Pod j-prepare",
    ]
    assert plan.status.stage == "Preparing"
    assert (plan.status.trainer_image, plan.status.coordinator_image) == ("trainer-cpu:1", "operator:1")


def test_a_job_with_an_obstacle_waits_and_makes_nothing() -> None:
    plan = plan_job(snapshot(cluster=None))
    assert plan.apply == ()
    assert plan.status.stage == "Waiting"
    assert plan.status.start_time is None
    assert {(event.type, event.reason) for event in plan.events} == {("Warning", "ClusterNotFound")}


def test_prepared_data_leads_to_gang_coordinator_and_workers() -> None:
    plan = plan_job(snapshot(job(started()), pods=(done("j-prepare", "prepare", dataset=FACTS),)))
    assert plan.status.dataset.id == "d1"
    assert names(plan)[-5:] == [
        "Service j-coordinator",
        "PodGroup j-gang",
        "Pod j-coordinator",
        "Pod j-worker-0",
        "Pod j-worker-1",
    ]
    by_name = {manifest["metadata"]["name"]: manifest for manifest in plan.apply}
    assert by_name["j-gang"]["spec"]["schedulingPolicy"]["gang"]["minCount"] == 3
    assert by_name["j-worker-1"]["spec"]["schedulingGroup"] == {"podGroupName": "j-gang"}
    assert by_name["j-worker-1"]["spec"]["containers"][0]["image"] == "trainer-cpu:0", "a started job keeps its image"


def test_a_coordinator_sends_its_metrics_where_the_chart_says() -> None:
    def variables(endpoint: str) -> list[dict[str, str]]:
        seen = snapshot(job(started(dataset=DATASET)), images=replace(IMAGES, otlp_endpoint=endpoint))
        found = {manifest["metadata"]["name"]: manifest for manifest in plan_job(seen).apply}
        env: list[dict[str, str]] = found["j-coordinator"]["spec"]["containers"][0]["env"]
        return env

    assert variables("") == []
    assert variables("http://collector:4318") == [
        {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}
    ]


def test_without_gang_scheduling_pods_come_one_by_one_and_an_event_says_so() -> None:
    fresh = plan_job(snapshot(gang_available=False))
    assert "NoGangScheduling" in [event.reason for event in fresh.events]
    plan = plan_job(snapshot(job(started(dataset=DATASET)), gang_available=False))
    assert not [name for name in names(plan) if name.startswith("PodGroup")]
    assert "schedulingGroup" not in plan.apply[-1]["spec"]


def test_what_is_there_is_not_applied_again() -> None:
    before = plan_job(snapshot(job(started(dataset=DATASET))))
    objects = {
        (m["kind"], m["metadata"]["name"]): m for m in before.apply if m["kind"] not in ("Pod", "PersistentVolumeClaim")
    }
    claims = {m["metadata"]["name"]: m for m in before.apply if m["kind"] == "PersistentVolumeClaim"}
    pods = tuple(PodView.of(manifest) for manifest in before.apply if manifest["kind"] == "Pod")
    again = plan_job(snapshot(job(before.status.document()), pods=pods, objects=objects, claims=claims))
    assert again.apply == ()
    assert again.delete == ()


def test_surplus_workers_go() -> None:
    pods = tuple(pod(f"j-worker-{i}") for i in range(3))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods))
    assert [reference.name for reference in plan.delete] == ["j-worker-2"]


def test_progress_comes_from_the_coordinator() -> None:
    progress = {
        "generation": 1,
        "step": 25,
        "steps": 100,
        "loss": 3.25,
        "learningRate": 1e-3,
        "gradientNorm": 1.0,
        "tokens": 25600,
        "tokensPerSecond": 1024.0,
        "checkpoint": {"step": 20, "time": ago(1), "path": "x"},
    }
    seen = CoordinatorStatus.model_validate(
        {
            "state": "Training",
            "generation": 1,
            "desired": 2,
            "joined": 2,
            "members": [],
            "progress": progress,
            "firstLoss": 8.3,
            "firstStepTime": ago(60),
        }
    )
    pods = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    status = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods, coordinator=seen)).status
    assert status.stage == "Training"
    assert (status.progress.step, status.progress.percent, status.progress.eta) == (25, 25, "1m15s")
    assert (status.progress.loss, status.progress.first_loss) == ("3.2500", "8.3000")
    assert status.checkpoint.step == 20
    assert status.first_step_time == ago(60)


def test_when_all_workers_are_done_the_model_is_published() -> None:
    pods = (done("j-worker-0", "worker"), done("j-worker-1", "worker"), pod("j-coordinator", "coordinator"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods))
    assert plan.status.training_completed
    assert names(plan)[-1] == "Pod j-publish"
    assert [reference.name for reference in plan.delete] == ["j-coordinator"]


def test_a_replacement_that_comes_too_late_is_not_waited_for() -> None:
    late = pod("j-worker-1", phase="Pending")
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=(done("j-worker-0", "worker"), late)))
    assert plan.status.training_completed
    assert [reference.name for reference in plan.delete] == ["j-worker-1"]


def test_a_worker_that_still_runs_is_waited_for() -> None:
    pods = (done("j-worker-0", "worker"), pod("j-worker-1"))
    assert not plan_job(snapshot(job(started(dataset=DATASET)), pods=pods)).status.training_completed


def test_a_published_model_makes_the_job_succeed_and_keeps_its_last_words() -> None:
    said = TerminationMessage(reason="Completed", model=MADE, last_lines=["bye"]).to_message()
    pods = (pod("j-publish", "publish", "Succeeded", end_message=said),)
    plan = plan_job(snapshot(job(started(dataset=DATASET, training_completed=True)), pods=pods))
    assert plan.status.stage == "Succeeded"
    assert conditions(plan.status)["Succeeded"].status == "True"
    assert plan.status.model.perplexity == "20.1"
    assert plan.status.logs[0].lines == ["bye"]
    assert plan.delete == (), "evidence is written before anything goes"


def test_a_running_job_outlives_its_cluster_object() -> None:
    pods = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods, cluster=None))
    assert plan.delete == ()
    assert plan.status.stage != "Waiting"


def test_what_the_api_server_refuses_is_said() -> None:
    plan = rejected(snapshot(), "no PriorityClass with name royal was found")
    assert conditions(plan.status)["Scheduled"].reason == "APIRejected"
    assert "royal" in conditions(plan.status)["Scheduled"].message
