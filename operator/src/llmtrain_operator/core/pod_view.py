"""A pod, as decisions see it."""

from dataclasses import dataclass
from typing import Any, Self

from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.manifest import Manifest, is_deleting

PULL_FAILURES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"}
)
"""Reasons of a waiting container whose image cannot be pulled."""


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
    image: str = ""
    exit_code: int | None = None
    """Exit code of its container; None before the container has ended."""
    end_reason: str = ""
    """Why its container or the pod ended, such as OOMKilled, Error or Evicted."""
    end_message: str = ""
    """The termination message of its container, or the pod's status message."""
    manifest: Manifest

    @property
    def running(self) -> bool:
        """Whether its containers run and it is not being deleted."""
        return self.phase == "Running" and not self.deleting

    @property
    def finished(self) -> bool:
        """Whether all its containers have ended."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def outcome(self) -> TerminationMessage | None:
        """The parsed termination message; None if there is none."""
        return TerminationMessage.from_message(self.end_message) if self.end_message else None

    @classmethod
    def of(cls, pod: Manifest) -> Self:
        """Return the view of a pod as the API server returned it."""
        metadata, spec, status = pod["metadata"], pod.get("spec", {}), pod.get("status", {})
        labels = metadata.get("labels") or {}
        conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
        container: dict[str, Any] = next(iter(status.get("containerStatuses") or ()), {})
        state = container.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
        scheduled = conditions.get("PodScheduled") or {}
        return cls(
            name=metadata["name"],
            namespace=metadata.get("namespace", ""),
            uid=metadata.get("uid", ""),
            role=labels.get(ROLE_LABEL, ""),
            worker=int(labels.get(WORKER_LABEL, "-1")),
            phase=status.get("phase", "Pending"),
            node=spec.get("nodeName", ""),
            address=status.get("podIP", ""),
            ready=conditions.get("Ready", {}).get("status") == "True",
            deleting=is_deleting(pod),
            unschedulable=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
            pull_failure=pull_failure(waiting),
            image=next((c.get("image", "") for c in spec.get("containers") or ()), ""),
            exit_code=terminated.get("exitCode"),
            end_reason=terminated.get("reason") or status.get("reason", ""),
            end_message=terminated.get("message") or status.get("message", ""),
            manifest=pod,
        )


def pull_failure(waiting: dict[str, Any]) -> str:
    """Return the kubelet's message about an image it cannot pull; `waiting` is the state of a container."""
    if waiting.get("reason") not in PULL_FAILURES:
        return ""
    return f"{waiting['reason']}: {waiting.get('message', '')}"


def pods_with_role(pods: tuple[PodView, ...], role: str) -> tuple[PodView, ...]:
    """Return the pods of one role."""
    return tuple(pod for pod in pods if pod.role == role)
