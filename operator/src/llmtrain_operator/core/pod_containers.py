"""The containers of a pod: the job's own, which is named after its role, and those that were injected.

A mutating webhook or policy can add sidecars and init containers. They matter only while they keep the own container
from running.
"""

from typing import Any

from llmtrain_operator.core.manifest import Manifest, fields_at, items_at, text_at

PULL_FAILURES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
"""Reasons of a waiting container whose image cannot be pulled."""
PREPARING = ("", "ContainerCreating", "PodInitializing")
"""Reasons of a waiting container that its node prepares."""
ENDED = ("Succeeded", "Failed")
"""Phases of a pod whose containers have all ended for good."""


def phase_of(pod: Manifest, exit_code: int | None) -> str:
    """Return the phase of a pod as that of its own container, which has ended with `exit_code`; None if it has not.

    The phase in the status is that of all containers. It counts if the kubelet has ended the pod as a whole, which it
    gives a reason for, or if it will restart the container.
    """
    phase = text_at(pod, "status", "phase") or "Pending"
    ended_as_a_whole = phase in ENDED and text_at(pod, "status", "reason")
    if exit_code is None or ended_as_a_whole or text_at(pod, "spec", "restartPolicy") != "Never":
        return phase
    return "Succeeded" if exit_code == 0 else "Failed"


def occupies_node(pod: Manifest) -> bool:
    """Return whether a container of a pod runs or may still run. The kubelet reports its end before that of the pod."""
    if text_at(pod, "status", "phase") in ENDED:
        return False
    groups = ("initContainerStatuses", "containerStatuses")
    states = [fields_at(status, "state") for group in groups for status in items_at(pod, "status", group)]
    ended = bool(states) and all("terminated" in state for state in states)
    return not ended or text_at(pod, "spec", "restartPolicy") != "Never"


def is_ready(condition: dict[str, Any], container: dict[str, Any]) -> bool:
    """Return whether a pod is ready, by its condition and the status of its own container: others do not matter."""
    others_are_not = condition.get("reason") == "ContainersNotReady" and container.get("ready") is True
    return condition.get("status") == "True" or others_are_not


def own_container(pod: Manifest, role: str) -> dict[str, Any]:
    """Return the job's own container in the spec of a pod: it is named after the role; others may have been injected.

    Without a container of that name it is the first one.
    """
    containers = items_at(pod, "spec", "containers")
    named = (container for container in containers if container.get("name") == role)
    return next(named, next(iter(containers), {}))


def container_status(pod: Manifest, container: dict[str, Any]) -> dict[str, Any]:
    """Return the status of a container by its name; empty before the pod has a node."""
    statuses = items_at(pod, "status", "containerStatuses")
    return next((status for status in statuses if status.get("name") == container.get("name")), {})


def end_reason(container: str, pod: str) -> str:
    """Return why a container or its pod ended. An evicted container may end by itself, with a reason that explains nothing."""
    if pod == "Evicted" and container != "OOMKilled":
        return pod
    return container or pod


def pull_failure(waiting: dict[str, Any]) -> str:
    """Return the kubelet's message about an image it cannot pull; `waiting` is the state of a container."""
    reason = text_at(waiting, "reason")
    return f"{reason}: {text_at(waiting, 'message')}" if reason in PULL_FAILURES else ""


def waiting_container(pod: Manifest, own: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return what keeps the own container of a pod from running: the state of a container that waits, and its name.

    The name is empty for the own container. An injected one counts if it cannot run and the own one has not started yet:
    an init container or a sidecar without an image, for example.
    """
    state = fields_at(container_status(pod, own), "state")
    waiting = fields_at(state, "waiting")
    if text_at(waiting, "reason") in PREPARING and not ({"running", "terminated"} & state.keys()):
        for status in (
            *items_at(pod, "status", "initContainerStatuses"),
            *items_at(pod, "status", "containerStatuses"),
        ):
            found = fields_at(status, "state", "waiting")
            if text_at(found, "reason") not in PREPARING:
                return text_at(status, "name"), found
    return "", waiting


def injected_failure(pod: Manifest) -> str:
    """Return how an init container of a pod failed, so that its own container never ran; empty if none did."""
    if text_at(pod, "status", "phase") != "Failed":
        return ""
    for status in items_at(pod, "status", "initContainerStatuses"):
        ended = fields_at(status, "state", "terminated")
        if ended.get("exitCode", 0) != 0:
            name, message = text_at(status, "name"), text_at(ended, "message").strip()
            return f"init container {name} failed with exit code {ended['exitCode']}: {message or 'no message'}"
    return ""
