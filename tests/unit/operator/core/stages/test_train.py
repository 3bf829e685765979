"""The stage that trains: the coordinator and the workers."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.objects.drift import enforced_fields
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import StagePlan
from llmtrain_operator.core.stages.train import is_training, train
from unit.operator.builders import (
    DATASET,
    IMAGES,
    TOKEN,
    ago,
    conditions,
    coordinator_status,
    job,
    names,
    pending_pod,
    pod,
    snapshot,
    started,
)

WORKERS = (pod("j-worker-0"), pod("j-worker-1"))
PODS = (*WORKERS, pod("j-coordinator", "coordinator"))
NEW_COORDINATOR = coordinator_status("Waiting", generation=0)


def stage(the_job: Job | None = None, status: dict[str, Any] | None = None, **fields: Any) -> StagePlan:
    arguments = {"pods": PODS, "coordinator": None, "images": IMAGES, "token": TOKEN}
    arguments |= {"gang_available": True, "lost_nodes": frozenset()}
    the_status = JobStatus.model_validate(started(dataset=DATASET, **(status or {})))
    return train(the_job or job(), the_status, **{**arguments, **fields})


def test_service_pod_group_coordinator_and_workers_are_created_together() -> None:
    assert names(stage(pods=()).desired) == [
        "Secret j-token-uid-of-j",
        "Service j-coordinator",
        "PodGroup j-gang",
        "Pod j-coordinator",
        "Pod j-worker-0",
        "Pod j-worker-1",
    ]
    assert "PodGroup j-gang" not in names(stage(gang_available=False).desired)
    assert "PodGroup j-gang" not in names(stage(job(scheduling={"gang": "Off"})).desired)


def test_of_pods_that_exist_it_is_known_what_is_enforced() -> None:
    created = {manifest["metadata"]["name"]: manifest for manifest in stage(pods=()).desired}
    desired = {manifest["metadata"]["name"]: manifest for manifest in stage().desired}
    assert created.keys() - desired.keys() == {"j-token-uid-of-j"}
    assert all(enforced_fields(each) == enforced_fields(created[name]) for name, each in desired.items())
    pods = [each for each in desired.values() if each["kind"] == "Pod"]
    assert len(pods) == 3
    assert not any("spec" in each for each in pods), "building them would take most of the time of a reconciliation"


def test_workers_beyond_the_replicas_are_deleted() -> None:
    pods = (*PODS, pod("j-worker-2"), pod("j-worker-3", deleting=True))
    assert [reference.name for reference in stage(pods=pods).delete] == ["j-worker-2"]


def test_the_coordinator_exports_its_metrics_to_the_charts_endpoint() -> None:
    def variables(endpoint: str) -> list[dict[str, str]]:
        coordinator = stage(pods=(), images=replace(IMAGES, otlp_endpoint=endpoint)).desired[3]
        env: list[dict[str, str]] = coordinator["spec"]["containers"][0]["env"]
        return [variable for variable in env if variable["name"].startswith("OTEL")]

    assert variables("") == []
    assert variables("http://collector:4318") == [
        {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}
    ]


@pytest.mark.parametrize(
    ("before", "workers", "coordinator", "expected"),
    [
        pytest.param("Starting", WORKERS, coordinator_status("Training"), True, id="the coordinator reports it"),
        pytest.param("Training", WORKERS, coordinator_status("Waiting"), False, id="the coordinator denies it"),
        pytest.param("Training", WORKERS, None, True, id="it trained, and all workers run"),
        pytest.param("Training", WORKERS, NEW_COORDINATOR, True, id="a new coordinator knows no generation yet"),
        pytest.param("Training", WORKERS[:1], None, False, id="it trained, and a worker is missing"),
        pytest.param("Starting", WORKERS, None, False, id="it has not trained yet"),
    ],
)
def test_whether_it_trains(
    before: str, workers: tuple[Any, ...], coordinator: CoordinatorStatus | None, expected: bool
) -> None:
    assert is_training(job().spec, JobStatus.model_validate({"stage": before}), workers, coordinator) is expected


def test_training_continues_without_an_answer_while_as_many_workers_run_as_were_active() -> None:
    def is_assumed(active: int) -> bool:
        status = JobStatus.model_validate({"stage": "Training", "workers": {"active": active}})
        return is_training(job(workers={"replicas": 4}).spec, status, WORKERS, None)

    assert is_assumed(2)
    assert not is_assumed(3)


def test_a_job_runs_while_it_trains_with_however_many_workers() -> None:
    members = [
        {"worker": number, "localRank": 0, "incarnation": str(number), "address": "a", "storePort": 1}
        for number in range(2)
    ]
    coordinator = coordinator_status(generation=2, desired=4, members=members)
    waiting = (pending_pod(f"j-worker-{number}", unschedulable="0/2 nodes are available") for number in (2, 3))
    status = started(dataset=DATASET, firstStepTime=ago(60), stage="Training")
    the_job = job(status, workers={"replicas": 4})
    found = plan_job(snapshot(the_job, pods=(*PODS, *waiting), coordinator=coordinator)).status
    assert found.stage == "Training"
    assert {name: (condition.status, condition.reason) for name, condition in conditions(found).items()} == {
        "Scheduled": ("False", "Unschedulable"),
        "Running": ("True", "Training"),
        "Degraded": ("True", "WorkersMissing"),
    }
    assert conditions(found)["Running"].message == "2 of 4 workers are training"


@pytest.mark.parametrize(
    ("before", "state", "expected", "message"),
    [
        pytest.param("Starting", "Training", "Training", "2 workers are training", id="training"),
        pytest.param(
            "Training",
            "Waiting",
            "Recovering",
            "2 of 2 workers run; training continues when enough have joined",
            id="recovering",
        ),
        pytest.param(
            "Preparing",
            "Waiting",
            "Starting",
            "2 of 2 workers run; training starts when all have joined the coordinator",
            id="starting",
        ),
    ],
)
def test_the_stage_and_its_message(before: str, state: str, expected: str, message: str) -> None:
    found = stage(status={"stage": before}, coordinator=coordinator_status(state))
    assert (found.stage, found.conditions[1].message) == (expected, message)


def test_the_coordinator_is_polled_rarely_once_the_first_step_is_done() -> None:
    progress = {"step": 1, "steps": 100, "percent": 1, "loss": "2.0"}
    begun = {"stage": "Training", "firstStepTime": ago(60), "progress": progress}
    assert stage(status=begun, coordinator=coordinator_status()).poll_after.total_seconds() == 5
    assert stage(status={"stage": "Training"}, coordinator=coordinator_status()).poll_after.total_seconds() == 0.5


def test_the_coordinator_is_not_polled_while_pods_wait_for_nodes() -> None:
    waiting = tuple(pending_pod(each.name, each.role) for each in PODS)
    assert stage(pods=waiting).poll_after is None, "the pods cause events when they change"
    too_few = (*waiting[:2], PODS[2])
    assert stage(pods=too_few, coordinator=NEW_COORDINATOR).poll_after.total_seconds() == 5
