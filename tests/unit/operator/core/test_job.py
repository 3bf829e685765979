"""One job, from its creation to its end."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.rules import violations
from llmtrain_api.termination import DatasetInfo, ModelInfo
from llmtrain_operator.core.job import next_stage, next_status, plan_job
from llmtrain_operator.core.pod_view import PodView
from unit.operator.builders import (
    DATASET,
    ago,
    conditions,
    coordinator_status,
    failed_pod,
    job,
    names,
    pod,
    progress,
    snapshot,
    started,
    succeeded_pod,
)

DATASET_INFO = DatasetInfo(id="d1", tokens=1000, held_out_tokens=50, vocab_size=4096, unigram_loss=6.5)
MODEL_INFO = ModelInfo(loss=3.0, perplexity=20.1, unigram_perplexity=665.1, parameters=9, path="j-uid-of-j/model")
RUNNING = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))


def test_a_new_job_gets_claims_run_config_and_the_prepare_pod() -> None:
    plan = plan_job(snapshot())
    assert names(plan.apply) == [
        "PersistentVolumeClaim datasets",
        "PersistentVolumeClaim checkpoints",
        "ConfigMap j-run-uid-of-j",
        "Pod j-prepare",
    ]
    assert plan.status.stage == "Preparing"
    assert (plan.status.trainer_image, plan.status.coordinator_image) == ("trainer-cpu:1", "operator:1")


def test_a_job_that_only_an_earlier_version_accepted_is_planned_like_any_other() -> None:
    """The rules hold for changes; the operator plans what the API server stores."""
    training = {"steps": 10, "warmupSteps": 50, "optimizer": {"beta2": "1", "learningRate": "1e400"}}
    old = job(training=training, model={"kvHeads": 3})
    assert list(violations(old.name, old.spec))
    plan = plan_job(snapshot(old))
    assert names(plan.apply) == names(plan_job(snapshot()).apply)
    assert plan.status.stage == "Preparing"


def test_a_job_that_is_not_admitted_waits_and_creates_nothing() -> None:
    plan = plan_job(snapshot(cluster=None, clusters=()))
    assert plan.apply == ()
    assert plan.status.stage == "Waiting"
    assert plan.status.start_time is None
    assert {(event.type, event.reason) for event in plan.events} == {("Warning", "ClusterNotFound")}


def test_a_prepared_dataset_leads_to_pod_group_coordinator_and_workers() -> None:
    plan = plan_job(snapshot(job(started()), pods=(succeeded_pod("j-prepare", "prepare", dataset=DATASET_INFO),)))
    assert plan.status.dataset.id == "d1"
    assert names(plan.apply)[-5:] == [
        "Service j-coordinator",
        "PodGroup j-gang",
        "Pod j-coordinator",
        "Pod j-worker-0",
        "Pod j-worker-1",
    ]
    worker = plan.apply[-1]
    assert worker["spec"]["schedulingGroup"] == {"podGroupName": "j-gang"}
    assert worker["spec"]["containers"][0]["image"] == "trainer-cpu:0", "a started job keeps its image"


def test_without_gang_scheduling_pods_are_scheduled_individually_and_an_event_reports_it() -> None:
    new = plan_job(snapshot(gang_available=False))
    assert "NoGangScheduling" in [event.reason for event in new.events]
    off = plan_job(snapshot(job(scheduling={"gang": "Off"}), gang_available=False))
    assert "NoGangScheduling" not in [event.reason for event in off.events]
    plan = plan_job(snapshot(job(started(dataset=DATASET)), gang_available=False))
    assert not [name for name in names(plan.apply) if name.startswith("PodGroup")]
    assert "schedulingGroup" not in plan.apply[-1]["spec"]


def test_objects_that_exist_are_not_applied_again() -> None:
    before = plan_job(snapshot(job(started(dataset=DATASET))))
    pods = tuple(PodView.of(manifest) for manifest in before.apply if manifest["kind"] == "Pod")
    others = [manifest for manifest in before.apply if manifest["kind"] != "Pod"]
    claims = {
        manifest["metadata"]["name"]: manifest for manifest in others if manifest["kind"] == "PersistentVolumeClaim"
    }
    objects = {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in others}
    next_plan = plan_job(snapshot(job(before.status.document()), pods=pods, objects=objects, claims=claims))
    assert next_plan.apply == ()
    assert next_plan.delete == ()


def test_a_job_that_trains_has_its_progress_in_the_status() -> None:
    coordinator = coordinator_status(progress=progress().model_dump(), first_loss=8.3, first_step_time=ago(60))
    status = plan_job(snapshot(job(started(dataset=DATASET)), pods=RUNNING, coordinator=coordinator)).status
    assert status.stage == "Training"
    assert (status.progress.step, status.first_step_time) == (25, ago(60))


def test_when_all_workers_are_done_the_model_is_published() -> None:
    pods = (succeeded_pod("j-worker-0"), succeeded_pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods))
    assert plan.status.training_completed
    assert names(plan.apply)[-1] == "Pod j-publish"
    assert [reference.name for reference in plan.delete] == ["j-coordinator"]


def test_a_published_model_makes_the_job_succeed_and_keeps_its_log() -> None:
    published = succeeded_pod("j-publish", "publish", model=MODEL_INFO, last_lines=["bye"])
    plan = plan_job(snapshot(job(started(dataset=DATASET, training_completed=True)), pods=(published,)))
    assert plan.status.stage == "Succeeded"
    assert conditions(plan.status)["Succeeded"].status == "True"
    assert plan.status.model.perplexity == "20.1"
    assert plan.status.logs[0].lines == ["bye"]
    assert plan.delete == (), "evidence is written before anything is deleted"


def test_the_pods_of_a_job_that_is_being_deleted_stop_though_a_finalizer_keeps_the_job() -> None:
    deleting = replace(job(started(dataset=DATASET), ttlSecondsAfterFinished=0), deleting=True)
    plan = plan_job(snapshot(deleting, pods=RUNNING))
    assert [reference.name for reference in plan.delete] == [pod.name for pod in RUNNING]
    assert (plan.status, plan.apply) == (None, ())
    assert plan_job(snapshot(deleting)).delete == (), "it is deleted already"


def test_a_running_job_outlives_its_cluster() -> None:
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=RUNNING, cluster=None))
    assert plan.delete == ()
    assert plan.status.stage != "Waiting"


@pytest.mark.parametrize(
    ("metadata", "reason", "message"),
    [
        pytest.param(
            {},
            "NameTaken",
            "ConfigMap j-run-uid-of-j is not of this job; rename the job or delete it",
            id="of someone else",
        ),
        pytest.param(
            {"ownerReferences": [{"kind": "LLMTrainingJob", "name": "j", "uid": "earlier"}]},
            "Waiting",
            "ConfigMap j-run-uid-of-j of an earlier job of this name still stops; this job continues when it is gone",
            id="of an earlier job of the name",
        ),
        pytest.param(
            {"deletionTimestamp": ago(1)},
            "Waiting",
            "ConfigMap j-run-uid-of-j of an earlier job of this name still stops; this job continues when it is gone",
            id="that is being deleted",
        ),
    ],
)
def test_an_object_of_the_jobs_name_is_left_alone(metadata: dict[str, Any], reason: str, message: str) -> None:
    existing = {"kind": "ConfigMap", "metadata": {"name": "j-run-uid-of-j", "uid": "u", **metadata}}
    plan = plan_job(snapshot(taken={("ConfigMap", "j-run-uid-of-j"): existing}))
    scheduled = conditions(plan.status)["Scheduled"]
    assert (scheduled.status, scheduled.reason, scheduled.message) == ("False", reason, message)
    assert names(plan.apply) == ["PersistentVolumeClaim datasets", "PersistentVolumeClaim checkpoints"]


def test_figures_are_written_every_30_seconds_and_decisions_at_once() -> None:
    def plan(before: dict[str, Any], step: int, age: float, **fields: Any) -> Any:
        coordinator = coordinator_status(progress=progress(step=step).model_dump(), first_step_time=ago(60))
        observed = {"pods": RUNNING, "coordinator": coordinator, "status_age": timedelta(seconds=age), **fields}
        return plan_job(snapshot(job(before), **observed))

    before = plan(started(dataset=DATASET), 25, 0).status.document()
    held = plan(before, 26, 10)
    assert (held.status, held.requeue_after, held.poll_after) == (None, timedelta(seconds=20), timedelta(seconds=5))
    assert plan(before, 26, 28).requeue_after == timedelta(seconds=2)
    assert plan(before, 26, 30).status.progress.step == 26
    assert plan(before, 26, 1, pods=(*RUNNING[1:], failed_pod("j-worker-0"))).status.recoveries.count == 1


def test_a_loss_that_is_not_finite_is_degraded_with_the_remedy_and_stays_so() -> None:
    coordinator = coordinator_status(progress=progress(loss=math.nan).model_dump(), first_step_time=ago(60))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=RUNNING, coordinator=coordinator))
    degraded = conditions(plan.status)["Degraded"]
    assert (degraded.status, degraded.reason, plan.status.stage) == ("True", "Diverged", "Training")
    assert "spec.training.optimizer.learningRate" in degraded.message
    assert plan.status.progress.loss == "nan"
    later = plan_job(snapshot(job(plan.status.document()), pods=RUNNING, coordinator=coordinator))
    assert later.status is None


def test_a_model_without_a_finite_loss_fails_the_job() -> None:
    info = MODEL_INFO.model_copy(update={"loss": math.nan, "perplexity": math.inf})
    published = succeeded_pod("j-publish", "publish", model=info)
    plan = plan_job(snapshot(job(started(dataset=DATASET, training_completed=True)), pods=(published,)))
    failed = conditions(plan.status)["Failed"]
    assert (plan.status.stage, failed.reason, plan.status.model.loss) == ("Failed", "Diverged", "nan")
    assert plan_job(snapshot(job(plan.status.document()), pods=(published,))).delete, "it is cleaned up as any other"


@pytest.mark.parametrize("message", ["", "not json", '{"reason": "Completed"}'], ids=["none", "text", "no result"])
@pytest.mark.parametrize("role", ["prepare", "publish"])
def test_a_pod_that_succeeded_without_the_result_of_its_stage_has_failed(role: str, message: str) -> None:
    status = started(dataset=DATASET, training_completed=True) if role == "publish" else started()
    ended = pod(f"j-{role}", role, "Succeeded", exit_code=0, end_message=message)
    plan = plan_job(snapshot(job(status), pods=(ended,)))
    assert plan.status.first_failure.reason == "NoOutcome"
    deleted = plan_job(snapshot(job(plan.status.document()), pods=(ended,))).delete
    assert [reference.name for reference in deleted] == [f"j-{role}"]


def test_the_next_status_is_made_from_the_snapshot_alone() -> None:
    before = snapshot(job(started()), pods=(pod("j-worker-0"),))
    status = next_status(before, (), ())
    assert (status.workers.desired, status.workers.ready) == (2, 1)
    assert before.job.status.workers.ready == 0, "the status as last written is not changed"


def test_the_next_stage_deletes_failed_pods_only_once_they_are_recorded() -> None:
    failed = snapshot(job(started(dataset=DATASET)), pods=(failed_pod("j-worker-0"),))
    status = plan_job(failed).status
    assert next_stage(failed, status).delete == ()
    with_failure = snapshot(job(status.document()), pods=failed.pods)
    assert [reference.name for reference in next_stage(with_failure, status).delete] == ["j-worker-0"]
