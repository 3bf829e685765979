"""Why a container does not run: each reason of the kubelet in words with the remedy."""

from dataclasses import replace

import pytest

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.container_errors import REMEDIES, container_error
from unit.operator.builders import DATASET, conditions, job, pod, snapshot, started

PENDING = pod("j-worker-0", phase="Pending")
LOOPING = pod(
    "j-coordinator",
    "coordinator",
    waiting_reason="CrashLoopBackOff",
    last_end_reason="OOMKilled",
    memory_limit="256Mi",
    restarts=4,
)


@pytest.mark.parametrize("reason", REMEDIES)
def test_a_container_that_cannot_be_started(reason: str) -> None:
    found = container_error((pod("j-worker-1"), replace(PENDING, waiting_reason=reason, waiting_message="no such key")))
    assert found.reason == Reason.CONTAINER_NOT_STARTED
    assert f"pod j-worker-0 on node-1: {reason} (no such key); {REMEDIES[reason]}" == found.message


def test_a_container_that_ends_again_and_again() -> None:
    found = container_error((LOOPING,))
    assert found.reason == Reason.CRASH_LOOP_BACK_OFF
    assert "CrashLoopBackOff after 4 restarts" in found.message
    assert "ended at last with OOMKilled (memory limit 256Mi)" in found.message
    assert "kubectl logs j-coordinator --previous" in found.message


@pytest.mark.parametrize("reason", ["", "ContainerCreating", "PodInitializing", "Unheard"])
def test_a_container_that_starts_is_no_error(reason: str) -> None:
    assert container_error((replace(PENDING, waiting_reason=reason),)) is None


def test_a_pod_that_is_being_deleted_is_no_error() -> None:
    assert container_error((replace(LOOPING, deleting=True),)) is None


@pytest.mark.parametrize("name", ["j-coordinator", "j-worker-1", "j-prepare"])
def test_every_pod_of_a_job_is_reported(name: str) -> None:
    role = name.split("-")[1]
    failing = pod(name, role, "Pending", waiting_reason="CreateContainerError", waiting_message="no device")
    status = started() if role == "prepare" else started(dataset=DATASET)
    plan = plan_job(snapshot(job(status), pods=(failing,)))
    scheduled = conditions(plan.status)["Scheduled"]
    assert (scheduled.status, scheduled.reason) == ("False", "ContainerNotStarted")
    assert name in scheduled.message
    assert "no device" in scheduled.message
    assert ("Warning", "ContainerNotStarted") in {(event.type, event.reason) for event in plan.events}
