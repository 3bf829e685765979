"""The operator's metrics of jobs, pools and volumes are read off what it knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.metrics import operator as metrics
from llmtrain_api.metrics.metric import Metric
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
from llmtrain_operator.core.snapshot import NodeView
from llmtrain_operator.core.status.goodput import goodput_status
from llmtrain_operator.shell.metrics import OperatorCollector

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


def counted(
    name: str, stage: str = "Waiting", *conditions: dict[str, str], account: TimeLedger | None = None
) -> JobSample:
    status = JobStatus.model_validate({"stage": stage, "conditions": conditions})
    goodput = goodput_status(account) if account else None
    return JobSample(
        namespace="team", name=name, created=CREATED, status=status.model_copy(update={"goodput": goodput})
    )


def node(name: str, *, gpus: int = 8, capacity: int = 8, held: int = 0, ready: bool = True) -> NodeView:
    return NodeView(
        name=name,
        labels={},
        ready=ready,
        reason="" if ready else "not ready",
        schedulable_by_default=True,
        gpus=gpus,
        gpus_allocated=held,
        gpus_capacity=capacity,
        gpus_by_namespace={"team": held} if held else {},
    )


TRAINS = counted("a", "Training", condition("Scheduled", "True", "Scheduled"), condition("Running", "True", "Training"))
WAITS = counted("b", "Waiting", condition("Scheduled", "False", "InsufficientGPUs"))
CENSUS = FleetSnapshot(
    jobs=(TRAINS, WAITS, replace(WAITS, name="c")),
    clusters={
        "main": ClusterSpec.model_validate(
            {
                "computePools": [{"name": "h200", "nodes": 4}],
                "storagePools": [{"name": "data", "purpose": "datasets"}],
            }
        )
    },
    nodes=(node("n0", held=3), node("n1", gpus=6), node("n2", ready=False)),
    claims=(Claim(namespace="team", cluster="main", pool="data", phase="Bound", size_bytes=2**30),),
)


def told(census: FleetSnapshot = CENSUS) -> dict[tuple[Metric, tuple[str, ...]], float]:
    return {(metric, labels): number for metric, labels, number in fleet_samples(census, now=NOW)}


def test_every_job_is_counted_once_by_condition_and_reason() -> None:
    jobs = {labels: number for (metric, labels), number in told().items() if metric is metrics.JOBS}
    assert jobs == {("team", "Running", "Training"): 1, ("team", "Scheduled", "InsufficientGPUs"): 2}


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (counted("new"), ("Scheduled", "Waiting")),
        (TRAINS, ("Running", "Training")),
        (
            counted(
                "d",
                "Training",
                condition("Running", "True", "Training"),
                condition("Degraded", "True", "WorkersMissing"),
            ),
            ("Degraded", "WorkersMissing"),
        ),
        (
            counted(
                "e",
                "Failed",
                condition("Running", "False", "TooManyFailures"),
                condition("Failed", "True", "TooManyFailures"),
            ),
            ("Failed", "TooManyFailures"),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, JobSample) else "",
)
def test_the_current_condition(job: JobSample, expected: tuple[str, str]) -> None:
    assert current_condition(job.status) == expected


def test_a_job_has_waited_since_it_was_made() -> None:
    assert queued_seconds(WAITS, NOW) == 90
    until = TimeLedger(until_ms=int((NOW.timestamp() - 10) * 1000), ms={"queued": 5000, "stepping": 75_000})
    assert queued_seconds(counted("f", "Waiting", account=until), NOW) == 15
    assert queued_seconds(counted("g", "Training", account=until), NOW) == 5


@pytest.mark.parametrize("held", [0, 3, 8, 9])
@pytest.mark.parametrize("gpus", [0, 6, 8])
@pytest.mark.parametrize("ready", [True, False])
def test_every_gpu_is_in_one_state(held: int, gpus: int, ready: bool) -> None:
    states = gpu_states(node("n", gpus=gpus, held=held, ready=ready))
    assert sum(states.values()) == 8
    assert min(states.values()) >= 0


def test_gpus_and_nodes_of_a_pool() -> None:
    found = told()
    gpus = {labels[2]: number for (metric, labels), number in found.items() if metric is metrics.POOL_GPUS}
    assert gpus == {"allocated": 3, "idle": 5 + 6, "unhealthy": 2 + 8}
    nodes = {labels[2]: number for (metric, labels), number in found.items() if metric is metrics.POOL_NODES}
    assert nodes == {"ready": 2, "unready": 1, "missing": 1}
    assert found[metrics.POOL_GPUS_ALLOCATED, ("main", "h200", "team")] == 3
    assert {labels[2] for (metric, labels) in found if metric is metrics.POOL_NODE} == {"n0", "n1", "n2"}


def test_volumes_by_purpose() -> None:
    found = told()
    assert found[metrics.PERSISTENT_VOLUME_CLAIMS, ("team", "datasets", "Bound")] == 1
    assert found[metrics.PERSISTENT_VOLUME_CLAIM_SIZE, ("team", "datasets")] == 2**30
    foreign = replace(CENSUS, claims=(replace(CENSUS.claims[0], pool="gone"),))
    assert told(foreign)[metrics.PERSISTENT_VOLUME_CLAIMS, ("team", "none", "Bound")] == 1


def test_what_is_deleted_has_no_series() -> None:
    empty = FleetSnapshot(jobs=(), clusters={}, nodes=CENSUS.nodes, claims=())
    assert told(empty) == {}


def exposed(*, leads: bool) -> set[str]:
    registry = CollectorRegistry()
    registry.register(OperatorCollector(lambda: 0, lambda: leads, lambda: CENSUS))
    return {family.name for family in text_string_to_metric_families(generate_latest(registry).decode())}


def test_only_who_leads_tells_of_jobs_and_pools() -> None:
    own = {metrics.QUEUE_DEPTH.name, metrics.LEADER.name}
    assert exposed(leads=False) == own
    counters = {metric for metric in metrics.METRICS if metric.kind == "counter"}
    assert exposed(leads=True) == {metric.name for metric in set(metrics.METRICS) - counters}
