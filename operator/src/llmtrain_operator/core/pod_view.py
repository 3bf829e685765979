"""A pod, as decisions see it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.termination import TerminationMessage
from llmtrain_api.timestamps import try_parse_rfc3339
from llmtrain_operator.core.manifest import (
    Manifest,
    conditions_of,
    fields_at,
    is_deleting,
    items_at,
    number_in,
    strings_at,
    text_at,
    texts_at,
)

PULL_FAILURES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
"""Reasons of a waiting container whose image cannot be pulled."""
ENDED = ("Succeeded", "Failed")
"""Phases of a pod whose containers have all ended for good."""


@dataclass(frozen=True, kw_only=True)
class PodView:
    """One pod of a job."""

    name: str
    namespace: str = ""
    uid: str
    role: str = ""
    worker: int = -1
    """Number of the worker; -1 for pods of other roles."""
    phase: str = "Pending"
    """Phase of the pod as if it had its own container only: others may have been injected, which fail or never end."""
    occupies_node: bool = True
    """Whether any of its containers runs or may still run, so that its resources are in use."""
    node: str = ""
    """Name of the node it is bound to; empty before that."""
    address: str = ""
    """IP address; empty before the pod has one."""
    ready: bool = False
    deleting: bool = False
    unschedulable: str = ""
    """Message of the scheduler while it finds no node."""
    pull_failure: str = ""
    """Message of the kubelet while it cannot pull the image."""
    disruption: str = ""
    """Reason of its condition DisruptionTarget, such as PreemptionByScheduler, or PodDeleted; empty without one."""
    disruption_message: str = ""
    """Message of that condition."""
    waiting_reason: str = ""
    """Why its container does not run, such as CrashLoopBackOff or CreateContainerError; empty if it runs or has ended."""
    waiting_message: str = ""
    """Message of the kubelet about that."""
    warning: str = ""
    """Newest warning event about it while it does not start, such as "FailedMount: ..."; empty if it is not known."""
    accepted: datetime | None = None
    """When the kubelet of its node accepted it."""
    last_end_reason: str = ""
    """Why its container ended the last time, if it was restarted in the pod."""
    restarts: int = 0
    """How often its container was restarted in the pod."""
    delete_by: datetime | None = None
    """When its grace period is over, if it is being deleted."""
    finalizers: tuple[str, ...] = ()
    """What must be done before it can be deleted."""
    image: str = ""
    memory_limit: str = ""
    """Memory limit of its container, such as "2Gi"; empty if it has none."""
    exit_code: int | None = None
    """Exit code of its container; None before the container has ended."""
    end_reason: str = ""
    """Why its container or the pod ended, such as OOMKilled, Error or Evicted."""
    end_message: str = ""
    """The termination message of its container, or the pod's status message."""
    status_message: str = ""
    """Why the kubelet ended the pod as a whole, such as an eviction."""
    manifest: Manifest = field(compare=False)

    @property
    def running(self) -> bool:
        """Whether its containers run and it is not being deleted."""
        return self.phase == "Running" and not self.deleting

    @property
    def finished(self) -> bool:
        """Whether its own container has ended for good."""
        return self.phase in ENDED

    @property
    def starting(self) -> bool:
        """Whether its node prepares it, and its container has not been created yet."""
        prepared = self.waiting_reason in ("", "ContainerCreating", "PodInitializing")
        return self.phase == "Pending" and bool(self.node) and not self.deleting and prepared

    @property
    def outcome(self) -> TerminationMessage | None:
        """The parsed termination message; None if there is none."""
        return TerminationMessage.from_message(self.end_message) if self.end_message else None

    @classmethod
    def of(cls, pod: Manifest) -> Self:
        """Return the view of a pod as the API server returned it."""
        labels = strings_at(pod, "metadata", "labels")
        conditions = conditions_of(pod)
        role = labels.get(ROLE_LABEL, "")
        container = own_container(pod, role)
        state = container_status(pod, container).get("state")
        waiting, terminated = fields_at(state, "waiting"), fields_at(state, "terminated")
        restarts = container_status(pod, container).get("restartCount")
        exit_code = terminated.get("exitCode")
        exit_code = exit_code if isinstance(exit_code, int) and not isinstance(exit_code, bool) else None
        scheduled = conditions.get("PodScheduled", {})
        target = conditions.get("DisruptionTarget", {})
        disrupted = target.get("status") == "True"
        return cls(
            name=text_at(pod, "metadata", "name"),
            namespace=text_at(pod, "metadata", "namespace"),
            uid=text_at(pod, "metadata", "uid"),
            role=role,
            worker=number_in(labels.get(WORKER_LABEL), -1),
            phase=phase_of(pod, exit_code),
            occupies_node=text_at(pod, "status", "phase") not in ENDED,
            node=text_at(pod, "spec", "nodeName"),
            address=text_at(pod, "status", "podIP"),
            ready=is_ready(conditions.get("Ready", {}), container_status(pod, container)),
            deleting=is_deleting(pod),
            unschedulable=text_at(scheduled, "message") if scheduled.get("status") == "False" else "",
            pull_failure=pull_failure(waiting),
            disruption=(text_at(target, "reason") or "DisruptionTarget") if disrupted else "",
            disruption_message=text_at(target, "message") if disrupted else "",
            waiting_reason=text_at(waiting, "reason"),
            waiting_message=text_at(waiting, "message"),
            accepted=try_parse_rfc3339(text_at(pod, "status", "startTime")),
            last_end_reason=text_at(container_status(pod, container), "lastState", "terminated", "reason"),
            restarts=restarts if isinstance(restarts, int) and not isinstance(restarts, bool) else 0,
            delete_by=try_parse_rfc3339(text_at(pod, "metadata", "deletionTimestamp")),
            finalizers=texts_at(pod, "metadata", "finalizers"),
            memory_limit=text_at(container, "resources", "limits", "memory"),
            image=text_at(container, "image"),
            exit_code=exit_code,
            end_reason=end_reason(text_at(terminated, "reason"), text_at(pod, "status", "reason")),
            end_message=text_at(terminated, "message") or text_at(pod, "status", "message"),
            status_message=text_at(pod, "status", "message"),
            manifest=pod,
        )


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


def pods_with_role(pods: tuple[PodView, ...], role: str) -> tuple[PodView, ...]:
    """Return the pods of one role."""
    return tuple(pod for pod in pods if pod.role == role)
