"""The metrics of jobs, pools and claims are computed from one snapshot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.metrics import operator as metrics
from llmtrain_api.metrics.metric import Metric
from llmtrain_api.names import CLUSTER_LABEL
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.fleet_metrics import (
    Claim,
    FleetSnapshot,
    JobSample,
    current_condition,
    fleet_samples,
    gpu_states,
    queued_seconds,
)
from llmtrain_operator.core.status.goodput import goodput_status
from unit.operator.builders import node_view

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
CREATED = NOW - timedelta(seconds=90)


def condition(type: str, status: str, reason: str) -> dict[str, str]:
    return {
        "type": type,
        "status": status,
        "reason": reason,
        "message": "x",
        "lastTransitionTime": "2026-05-04T11:00:00Z",
    }


def job_sample(
    name: str, stage: str = "Waiting", *conditions: dict[str, str], ledger: TimeLedger | None = None
) -> JobSample:
    status = JobStatus.model_validate({"stage": stage, "conditions": conditions})
    goodput = goodput_status(ledger) if ledger else None
    return JobSample(
        namespace="team", name=name, created=CREATED, status=status.model_copy(update={"goodput": goodput})
    )


TRAINING = job_sample(
    "a", "Training", condition("Scheduled", "True", "Scheduled"), condition("Running", "True", "Training")
)
WAITING = job_sample("b", "Waiting", condition("Scheduled", "False", "InsufficientGPUs"))
FLEET = FleetSnapshot(
    jobs=(TRAINING, WAITING, replace(WAITING, name="c")),
    clusters={
        "main": ClusterSpec.model_validate(
            {
                "computePools": [{"name": "h200", "nodes": 4}],
                "storagePools": [{"name": "data", "purpose": "datasets"}],
            }
        )
    },
    nodes=(node_view("n0", allocated=3), node_view("n1", gpus=6), node_view("n2", ready=False)),
    claims=(Claim(namespace="team", cluster="main", pool="data", phase="Bound", size_bytes=2**30),),
)


def values(fleet: FleetSnapshot = FLEET) -> dict[tuple[Metric, tuple[str, ...]], float]:
    return {(sample.metric, sample.labels): sample.value for sample in fleet_samples(fleet, now=NOW)}


def test_every_job_is_counted_once_by_condition_and_reason() -> None:
    jobs = {labels: value for (metric, labels), value in values().items() if metric is metrics.JOBS}
    assert jobs == {("team", "Running", "Training"): 1, ("team", "Scheduled", "InsufficientGPUs"): 2}


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        pytest.param(job_sample("new"), ("Scheduled", "Waiting"), id="a new job waits"),
        pytest.param(TRAINING, ("Running", "Training"), id="a job that trains"),
        pytest.param(
            job_sample(
                "d",
                "Training",
                condition("Running", "True", "Training"),
                condition("Degraded", "True", "WorkersMissing"),
            ),
            ("Degraded", "WorkersMissing"),
            id="degraded comes before running",
        ),
        pytest.param(
            job_sample(
                "e",
                "Failed",
                condition("Running", "False", "TooManyFailures"),
                condition("Failed", "True", "TooManyFailures"),
            ),
            ("Failed", "TooManyFailures"),
            id="a failed job",
        ),
    ],
)
def test_the_current_condition(job: JobSample, expected: tuple[str, str]) -> None:
    assert current_condition(job.status) == expected


@pytest.mark.parametrize("stage", get_args(JobStatus.model_fields["stage"].annotation))
def test_a_job_in_any_stage_has_samples_and_hides_no_other(stage: str) -> None:
    fleet = replace(FLEET, jobs=(job_sample("z", stage), WAITING))
    queued = [sample for sample in fleet_samples(fleet, now=NOW) if sample.metric is metrics.JOB_QUEUED]
    assert {sample.labels[1] for sample in queued} == {"z", WAITING.name}


def test_a_job_is_queued_since_its_creation_and_while_it_waits() -> None:
    assert queued_seconds(WAITING, NOW) == 90
    ledger = TimeLedger(until_ms=int((NOW.timestamp() - 10) * 1000), ms={"queued": 5000, "stepping": 75_000})
    assert queued_seconds(job_sample("f", "Waiting", ledger=ledger), NOW) == 15
    assert queued_seconds(job_sample("g", "Training", ledger=ledger), NOW) == 5


@pytest.mark.parametrize("allocated", [0, 3, 8, 9])
@pytest.mark.parametrize("gpus", [0, 6, 8])
@pytest.mark.parametrize("ready", [True, False])
def test_every_gpu_is_in_one_state(allocated: int, gpus: int, ready: bool) -> None:
    states = gpu_states(node_view("n", gpus=gpus, allocated=allocated, ready=ready))
    assert sum(states.values()) == 8
    assert min(states.values()) >= 0


def test_gpus_and_nodes_of_a_pool() -> None:
    found = values()
    gpus = {labels[2]: value for (metric, labels), value in found.items() if metric is metrics.POOL_GPUS}
    assert gpus == {"allocated": 3, "idle": 5 + 6, "unhealthy": 2 + 8}
    nodes = {labels[2]: value for (metric, labels), value in found.items() if metric is metrics.POOL_NODES}
    assert nodes == {"ready": 2, "unready": 1, "missing": 1}
    assert found[metrics.POOL_GPUS_ALLOCATED, ("main", "h200", "team")] == 3
    assert {labels[2] for (metric, labels) in found if metric is metrics.POOL_NODE} == {"n0", "n1", "n2"}


def test_claims_are_counted_by_the_purpose_of_their_pool() -> None:
    found = values()
    assert found[metrics.PERSISTENT_VOLUME_CLAIMS, ("team", "datasets", "Bound")] == 1
    assert found[metrics.PERSISTENT_VOLUME_CLAIM_SIZE, ("team", "datasets")] == 2**30
    without_pool = replace(FLEET, claims=(replace(FLEET.claims[0], pool="gone"),))
    assert values(without_pool)[metrics.PERSISTENT_VOLUME_CLAIMS, ("team", "none", "Bound")] == 1


def test_only_claims_of_storage_pools_are_counted() -> None:
    metadata = {"namespace": "team", "name": "data", "labels": {CLUSTER_LABEL: "main"}}
    bound = {"metadata": metadata, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
    assert Claim.of(bound) == FLEET.claims[0]
    assert Claim.of({"metadata": metadata}).size_bytes == 0
    assert Claim.of({"metadata": {"namespace": "team", "name": "own"}}) is None


def test_deleted_objects_have_no_samples() -> None:
    assert values(FleetSnapshot(jobs=(), clusters={}, nodes=FLEET.nodes, claims=())) == {}
