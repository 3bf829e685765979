"""A pod that does not end after its grace period is reported with its node, its finalizers and the remedy."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.stuck_termination import report_stuck_pods
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan
from unit.operator.builders import DATASET, NOW, ago, conditions, job, pod, snapshot, started

WAITING = StagePlan(
    stage="Starting",
    conditions=(
        ConditionUpdate(type=JobCondition.SCHEDULED, status=False, reason=Reason.WAITING, message="1 of 2 pods"),
    ),
)


def leaving(seconds: float, name: str = "j-worker-1", **fields: Any) -> PodView:
    """Return a pod whose grace period was over `seconds` before NOW."""
    return pod(name, deleting=True, delete_by=NOW - timedelta(seconds=seconds), **fields)


def test_a_pod_that_a_node_does_not_end() -> None:
    (found,) = report_stuck_pods(WAITING, (leaving(31), leaving(90, "j-worker-0")), NOW).conditions
    assert found.reason == Reason.STUCK_TERMINATING
    assert found.message.startswith("1 of 2 pods: pod j-worker-0 is terminating")
    assert f"was over at {ago(90)} (1 more pods are stuck too)" in found.message
    assert "node node-1 does not confirm its end" in found.message
    assert "kubectl delete pod j-worker-0 --force" in found.message


def test_a_pod_that_finalizers_keep() -> None:
    (found,) = report_stuck_pods(WAITING, (leaving(31, finalizers=("example.org/backup",)),), NOW).conditions
    assert "its finalizers example.org/backup keep it" in found.message


@pytest.mark.parametrize(
    ("pods", "seconds"),
    [
        pytest.param((pod("j-worker-0"),), None, id="no pod is being deleted"),
        pytest.param((leaving(10),), 20, id="one may be stuck later"),
        pytest.param((leaving(-60), leaving(5)), 25, id="the first of several"),
        pytest.param((leaving(40),), None, id="one is stuck already"),
    ],
)
def test_when_pods_are_checked_again(pods: tuple[PodView, ...], seconds: float | None) -> None:
    found = report_stuck_pods(StagePlan(stage="Starting"), pods, NOW)
    assert found.requeue_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_pod_within_its_grace_period_is_not_mentioned() -> None:
    assert report_stuck_pods(WAITING, (leaving(29),), NOW).conditions == WAITING.conditions


def test_a_job_and_a_suspension_report_what_they_wait_for() -> None:
    pods = (pod("j-worker-0"), leaving(99), pod("j-coordinator", "coordinator"))
    training = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods))
    assert conditions(training.status)["Scheduled"].reason == "StuckTerminating"
    suspended = plan_job(snapshot(job(started(dataset=DATASET), suspend=True), pods=pods))
    assert "pod j-worker-1 is terminating" in conditions(suspended.status)["Suspended"].message
