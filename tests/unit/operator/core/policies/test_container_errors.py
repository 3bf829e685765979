"""Why a container does not run: each reason of the kubelet in words with the remedy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.container_errors import EVENT_REMEDIES, REMEDIES, container_error, next_start_check
from unit.operator.builders import DATASET, NOW, conditions, job, pod, snapshot, started

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


@pytest.mark.parametrize("reason", ["", "ContainerCreating", "PodInitializing"])
def test_a_container_that_starts_is_no_error(reason: str) -> None:
    assert container_error((replace(PENDING, waiting_reason=reason),)) is None


def test_a_reason_that_is_not_known_is_reported_as_well() -> None:
    found = container_error((replace(PENDING, waiting_reason="SignatureValidationFailed", waiting_message="no key"),))
    assert found.message == (
        "pod j-worker-0 on node-1: SignatureValidationFailed (no key); read `kubectl describe pod j-worker-0` and correct the "
        "cause"
    )


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "CreateContainerError"])
def test_an_injected_container_is_named(reason: str) -> None:
    found = container_error((replace(PENDING, waiting_reason=reason, waiting_container="istio-init"),))
    assert found.message.startswith(f"pod j-worker-0 on node-1, container istio-init: {reason}")
    assert reason != "CrashLoopBackOff" or "kubectl logs j-worker-0 -c istio-init --previous" in found.message


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


@pytest.mark.parametrize("event", EVENT_REMEDIES)
def test_a_pod_that_its_node_cannot_prepare(event: str) -> None:
    found = container_error((replace(PENDING, warning=f"{event}: no such device"),))
    expected = "ContainerNotStarted" if event == "FailedCreatePodSandBox" else "FailedMount"
    assert found.reason == expected
    assert found.message == f"pod j-worker-0 on node-1: {event}: no such device; {EVENT_REMEDIES[event]}"


def test_a_volume_that_is_attached_to_another_node_names_the_access_mode() -> None:
    warning = "FailedAttachVolume: Multi-Attach error for volume pvc-1: already used by pod j-worker-1"
    found = container_error((replace(PENDING, warning=warning),))
    assert "Multi-Attach" in found.message
    assert "access mode ReadWriteMany" in found.message


def test_other_events_and_pods_that_run_are_no_errors() -> None:
    assert container_error((replace(PENDING, warning="Unhealthy: probe failed"),)) is None
    assert container_error((pod("j-worker-0", warning="FailedMount: before it ran"),)) is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(5, 10, id="when it becomes slow"),
        pytest.param(15, 30, id="again while it is slow"),
        pytest.param(None, None, id="not before its kubelet has accepted it"),
    ],
)
def test_when_a_pod_that_starts_is_checked(age: float | None, expected: float | None) -> None:
    accepted = None if age is None else NOW - timedelta(seconds=age)
    found = next_start_check((replace(PENDING, accepted=accepted), pod("j-worker-1")), NOW)
    assert found == (None if expected is None else timedelta(seconds=expected))
