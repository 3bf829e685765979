"""What a change of each field of a started job does: it takes effect, is refused, or a condition says when it holds."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contract.documented_names import leaves
from llmtrain_api.job import JobSpec
from llmtrain_api.rules import IMMUTABLE, IMMUTABLE_WHILE_RUNNING
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.node_view import NodeStates
from llmtrain_operator.core.objects.pod_settings import ALL_PODS, TRAINERS, settings_annotation
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import JobSnapshot
from unit.operator.builders import DATASET, NOW, SPEC, ago, conditions, failed_pod, job, pod, snapshot, started

EFFECTIVE = "takes effect"
REFUSED = "is refused"
REFUSED_WHILE_RUNNING = "is refused while the job runs, and takes effect when a suspended one is resumed"
NEW_PODS = "holds for new pods, as the condition Updated says"

CHANGES: dict[str, str] = {
    "cluster": REFUSED,
    "image": REFUSED,
    "workers.min": EFFECTIVE,
    "workers.replicas": EFFECTIVE,
    "workers.max": EFFECTIVE,
    "workers.gpus": REFUSED,
    "workers.resources": REFUSED,
    "workers.pools": REFUSED_WHILE_RUNNING,
    "workers.nodeSelector": NEW_PODS,
    "workers.tolerations": NEW_PODS,
    "workers.env": NEW_PODS,
    "workers.envFrom": NEW_PODS,
    "workers.mounts": NEW_PODS,
    "workers.sharedMemory": NEW_PODS,
    "workers.annotations": NEW_PODS,
    "workers.labels": NEW_PODS,
    "workers.runtimeClass": NEW_PODS,
    "entrypoint": REFUSED,
    "model": REFUSED,
    "task": REFUSED,
    "data": REFUSED,
    "training": REFUSED,
    "checkpoint": REFUSED,
    "evaluation": REFUSED,
    "recovery.maxFailures": EFFECTIVE,
    "recovery.rules": EFFECTIVE,
    "recovery.windowSeconds": EFFECTIVE,
    "recovery.hangSeconds": REFUSED,
    "recovery.silentSeconds": REFUSED,
    "recovery.gracePeriodSeconds": REFUSED,
    "recovery.nodeSeconds": EFFECTIVE,
    "scheduling": REFUSED,
    "pullSecrets": NEW_PODS,
    "serviceAccount": NEW_PODS,
    "securityContext": REFUSED,
    "podCleanup": EFFECTIVE,
    "suspend": EFFECTIVE,
    "activeDeadlineSeconds": EFFECTIVE,
    "ttlSecondsAfterFinished": EFFECTIVE,
}
"""Each field of the spec, or the part of the spec that it is in, and its class."""


def fields_of(kind: str) -> set[str]:
    return {field for field, its_kind in CHANGES.items() if its_kind == kind}


def test_each_field_has_one_class() -> None:
    for field in leaves(JobSpec):
        assert len([part for part in CHANGES if f"{field}.".startswith(f"{part}.")]) == 1, field


def test_refused_fields_are_immutable() -> None:
    assert fields_of(REFUSED) == {part.field for part in IMMUTABLE}
    assert fields_of(REFUSED_WHILE_RUNNING) == {part.field for part in IMMUTABLE_WHILE_RUNNING}


def test_fields_for_new_pods_are_recorded_in_pods() -> None:
    assert fields_of(NEW_PODS) == {*ALL_PODS, *TRAINERS}


VALUES: dict[str, Any] = {
    "workers.nodeSelector": {"gpu": "h200"},
    "workers.tolerations": [{"key": "gpu", "operator": "Exists"}],
    "workers.env": [{"name": "A", "value": "1"}],
    "workers.envFrom": [{"secret": "s"}],
    "workers.mounts": [{"path": "/a", "claim": "c"}],
    "workers.sharedMemory": "1Gi",
    "workers.annotations": {"note": "x"},
    "workers.labels": {"team": "a"},
    "workers.runtimeClass": "nvidia",
    "pullSecrets": ["registry"],
    "serviceAccount": {"name": "trainer"},
}
"""A value of each field that holds for new pods."""


def spec_with(field: str, value: Any) -> JobSpec:
    """Return the spec of the tests' job with one field changed."""
    first, _, rest = field.partition(".")
    part = {**SPEC.get(first, {}), rest: value} if rest else value
    return JobSpec.model_validate({**SPEC, first: part})


def created_before() -> tuple[PodView, ...]:
    """Return the pods of a job whose spec has not been changed."""
    pods = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    annotations = settings_annotation(job().spec, "worker")
    return tuple(
        replace(each, manifest={**each.manifest, "metadata": {**each.manifest["metadata"], "annotations": annotations}})
        for each in pods
    )


@pytest.mark.parametrize("field", sorted(fields_of(NEW_PODS)))
def test_a_condition_says_from_when_on_a_change_holds(field: str) -> None:
    the_job = replace(job(started(dataset=DATASET, stage="Training")), spec=spec_with(field, VALUES[field]))
    condition = conditions(plan_job(snapshot(the_job, pods=created_before())).status)["Updated"]
    assert (condition.status, condition.reason) == ("False", "OutdatedPods")
    assert f"spec.{field} changed, which holds for pods that are created from now on" in condition.message


RECENT = [{"pod": "j-worker-0", "uid": "u", "time": ago(90), "reason": "Crashed"}]
ONE_INCIDENT = {"recoveries": {"recent": RECENT, "times": [ago(90)], "count": 1}}
FAILING = snapshot(job(started(dataset=DATASET, stage="Training", **ONE_INCIDENT)), pods=(failed_pod("j-worker-1", 3),))
TRAINING = snapshot(job(started(dataset=DATASET, stage="Training")), pods=created_before())
ENDED = snapshot(
    job(
        {
            "finishTime": ago(60),
            "conditions": [
                {"type": "Failed", "status": "True", "reason": "x", "message": "", "lastTransitionTime": ago(60)}
            ],
        }
    ),
    pods=(failed_pod("j-worker-1"),),
)
ENDED_ON_A_LOST_NODE = replace(
    ENDED,
    pods=(pod("j-worker-0", deleting=True),),
    nodes=NodeStates(not_ready_since={"node-1": NOW - timedelta(seconds=30)}, known=9, not_ready=1),
)
SITUATIONS: dict[str, tuple[JobSnapshot, Any]] = {
    "workers.replicas": (TRAINING, 1),
    "recovery.maxFailures": (FAILING, 1),
    "recovery.rules": (FAILING, [{"exitCodes": [3], "action": "Fail"}]),
    "recovery.windowSeconds": (FAILING, 60),
    "recovery.nodeSeconds": (ENDED_ON_A_LOST_NODE, 35),
    "podCleanup": (ENDED, "Never"),
    "suspend": (TRAINING, True),
    "activeDeadlineSeconds": (TRAINING, 200),
    "ttlSecondsAfterFinished": (replace(ENDED, pods=()), 30),
}
"""A situation in which a change of the field to a value changes the plan."""
ELSEWHERE = {
    "workers.min": "the coordinator applies it, as tests/unit/operator/shell/test_coordinator_client.py shows",
    "workers.max": "a rule bounds workers.replicas by it, as rule_cases.py shows",
}


@pytest.mark.parametrize("field", sorted(fields_of(EFFECTIVE) - ELSEWHERE.keys()))
def test_a_change_changes_the_plan(field: str) -> None:
    before, value = SITUATIONS[field]
    assert plan_job(replace(before, job=replace(before.job, spec=spec_with(field, value)))) != plan_job(before)
