"""A pod, as far as decisions need it."""

from dataclasses import dataclass
from typing import Any, Self

from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.termination import TerminationMessage

PULL_FAILURES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"}
)


@dataclass(frozen=True, kw_only=True)
class PodView:
    """One pod. `worker` is -1 for pods that are no workers."""

    name: str
    uid: str
    role: str = ""
    worker: int = -1
    phase: str = "Pending"
    node: str = ""
    address: str = ""
    ready: bool = False
    deleting: bool = False
    unschedulable: str = ""
    """The scheduler's sentence, while it finds no node."""
    pull_failure: str = ""
    """The kubelet's sentence, while the image can't be had."""
    image: str = ""
    exit_code: int | None = None
    end_reason: str = ""
    """Such as OOMKilled, Error or Evicted."""
    end_message: str = ""
    manifest: dict[str, Any]

    @property
    def running(self) -> bool:
        """Whether its containers run and it is to stay."""
        return self.phase == "Running" and not self.deleting

    @property
    def outcome(self) -> TerminationMessage | None:
        """What it said of itself at its end."""
        return TerminationMessage.from_message(self.end_message) if self.end_message else None

    @classmethod
    def of(cls, pod: dict[str, Any]) -> Self:
        """Return the view of a pod as the API server gave it."""
        metadata, spec, status = pod["metadata"], pod.get("spec", {}), pod.get("status", {})
        labels = metadata.get("labels") or {}
        conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
        container: dict[str, Any] = next(iter(status.get("containerStatuses") or ()), {})
        state = container.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
        scheduled = conditions.get("PodScheduled") or {}
        return cls(
            name=metadata["name"],
            uid=metadata.get("uid", ""),
            role=labels.get(ROLE_LABEL, ""),
            worker=int(labels.get(WORKER_LABEL, "-1")),
            phase=status.get("phase", "Pending"),
            node=spec.get("nodeName", ""),
            address=status.get("podIP", ""),
            ready=conditions.get("Ready", {}).get("status") == "True",
            deleting="deletionTimestamp" in metadata,
            unschedulable=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
            pull_failure=f"{waiting['reason']}: {waiting.get('message', '')}"
            if waiting.get("reason") in PULL_FAILURES
            else "",
            image=next((c.get("image", "") for c in spec.get("containers") or ()), ""),
            exit_code=terminated.get("exitCode"),
            end_reason=terminated.get("reason") or status.get("reason", ""),
            end_message=terminated.get("message") or status.get("message", ""),
            manifest=pod,
        )
