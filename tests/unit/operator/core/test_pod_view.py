"""A pod as decisions see it."""

from typing import Any

from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from unit.operator.builders import pod


def view(**status: Any) -> PodView:
    metadata = {"name": "p", "namespace": "ns", "uid": "u", "labels": {ROLE_LABEL: "worker", WORKER_LABEL: "3"}}
    return PodView.of({"metadata": metadata, "spec": {"containers": [{"image": "i"}]}, "status": status})


def test_a_worker_is_known_by_its_labels() -> None:
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


def test_a_pod_that_is_being_deleted_is_not_running() -> None:
    assert pod("j-worker-0").running
    assert not pod("j-worker-0", deleting=True).running


def test_pods_are_selected_by_role() -> None:
    pods = (pod("j-worker-0"), pod("j-coordinator", "coordinator"))
    assert [found.name for found in pods_with_role(pods, "coordinator")] == ["j-coordinator"]
