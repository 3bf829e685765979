"""A pod as decisions see it."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from unit.operator.builders import NOW, ago, pod


def view(**status: Any) -> PodView:
    metadata = {"name": "j-worker-3", "namespace": "ns", "uid": "u"}
    return PodView.of({"metadata": metadata, "spec": {"containers": [{"image": "i"}]}, "status": status})


def test_a_worker_is_known_by_its_name() -> None:
    found = view(phase="Running", podIP="10.0.0.1")
    assert (found.role, found.worker, found.image, found.address) == ("worker", 3, "i", "10.0.0.1")
    assert (found.namespace, found.node) == ("ns", "")


def test_the_schedulers_message_is_kept_while_it_finds_no_node() -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "no node"}
    assert view(conditions=[unscheduled]).unschedulable == "no node"
    assert view(conditions=[{**unscheduled, "status": "True"}]).unschedulable == ""


def test_only_a_container_that_waits_for_its_image_has_a_pull_failure() -> None:
    def waiting(reason: str) -> list[dict[str, Any]]:
        return [{"state": {"waiting": {"reason": reason, "message": "not found"}}}]

    assert view(containerStatuses=waiting("ErrImagePull")).pull_failure == "ErrImagePull: not found"
    assert view(containerStatuses=waiting("ContainerCreating")).pull_failure == ""


def test_the_end_of_a_container_is_read_with_its_termination_message() -> None:
    message = TerminationMessage(reason="Crashed", message="why").to_message()
    terminated = {"exitCode": 1, "reason": "Error", "message": message}
    found = view(phase="Failed", containerStatuses=[{"state": {"terminated": terminated}}])
    assert (found.exit_code, found.end_reason, found.finished) == (1, "Error", True)
    assert found.outcome.message == "why"


def test_an_evicted_pod_has_the_reason_of_the_pod_and_no_outcome() -> None:
    found = view(phase="Failed", reason="Evicted", message="disk pressure")
    assert (found.end_reason, found.end_message, found.outcome) == ("Evicted", "disk pressure", None)


@pytest.mark.parametrize(
    ("container", "pod", "expected"),
    [
        pytest.param("Error", "Evicted", "Evicted", id="an evicted container that stopped by itself"),
        pytest.param("OOMKilled", "Evicted", "OOMKilled", id="an evicted container that had no memory left before"),
        pytest.param("Error", "Terminated", "Error", id="a container"),
        pytest.param("", "UnexpectedAdmissionError", "UnexpectedAdmissionError", id="a pod without a container"),
    ],
)
def test_the_reason_is_that_of_the_cause(container: str, pod: str, expected: str) -> None:
    terminated = {"state": {"terminated": {"exitCode": 143, "reason": container}}}
    found = view(phase="Failed", reason=pod, message="too much", containerStatuses=[terminated])
    assert (found.end_reason, found.status_message) == (expected, "too much")


def test_a_pod_that_is_being_deleted_is_not_running() -> None:
    assert pod("j-worker-0").running
    assert not pod("j-worker-0", deleting=True).running


def test_labels_that_are_edited_change_neither_role_nor_number() -> None:
    labels = {ROLE_LABEL: "coordinator", WORKER_LABEL: "7"}
    found = PodView.of({"metadata": {"name": "j-worker-3", "labels": labels}})
    assert (found.role, found.worker) == ("worker", 3)


def test_views_are_equal_when_decisions_see_no_difference() -> None:
    metadata = {"name": "p", "uid": "u"}
    assert PodView.of({"metadata": metadata}) == PodView.of({"metadata": {**metadata, "annotations": {"a": "b"}}})


def test_pods_are_selected_by_role() -> None:
    pods = (pod("j-worker-0"), pod("j-coordinator", "coordinator"))
    assert [found.name for found in pods_with_role(pods, "coordinator")] == ["j-coordinator"]


def test_a_disruption_is_that_of_the_condition_while_it_is_true() -> None:
    def view(status: str) -> PodView:
        condition = {"type": "DisruptionTarget", "status": status, "reason": "PreemptionByScheduler", "message": "full"}
        return PodView.of({"metadata": {"name": "x"}, "status": {"conditions": [condition]}})

    assert (view("True").disruption, view("True").disruption_message) == ("PreemptionByScheduler", "full")
    assert (view("False").disruption, view("False").disruption_message) == ("", "")


def test_the_memory_limit_is_that_of_its_container() -> None:
    container = {"image": "i", "resources": {"limits": {"memory": "2Gi"}}}
    assert PodView.of({"metadata": {"name": "x"}, "spec": {"containers": [container]}}).memory_limit == "2Gi"
    assert view().memory_limit == ""


def test_a_container_that_waits_says_why_and_how_it_ended_before() -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}
    status = {
        "state": {"waiting": waiting},
        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
        "restartCount": 7,
    }
    found = view(phase="Running", containerStatuses=[status])
    assert (found.waiting_reason, found.waiting_message) == ("CrashLoopBackOff", "back-off 5m0s")
    assert (found.last_end_reason, found.restarts) == ("OOMKilled", 7)


def test_a_deletion_has_a_time_and_finalizers() -> None:
    metadata = {"name": "p", "deletionTimestamp": ago(9), "finalizers": ["example.org/backup"]}
    found = PodView.of({"metadata": metadata})
    assert (found.deleting, found.delete_by, found.finalizers) == (
        True,
        NOW - timedelta(seconds=9),
        ("example.org/backup",),
    )
    assert view().delete_by is None
