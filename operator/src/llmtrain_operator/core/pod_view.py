"""A pod, as decisions see it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from llmtrain_api.names import pod_role
from llmtrain_api.termination import TerminationMessage
from llmtrain_api.timestamps import try_parse_rfc3339
from llmtrain_operator.core.manifest import (
    Manifest,
    conditions_of,
    fields_at,
    is_deleting,
    text_at,
    texts_at,
)
from llmtrain_operator.core.pod_containers import (
    ENDED,
    PREPARING,
    container_status,
    end_reason,
    injected_failure,
    is_ready,
    occupies_node,
    own_container,
    phase_of,
    pull_failure,
    waiting_container,
)


@dataclass(frozen=True, kw_only=True, slots=True)
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
    waiting_container: str = ""
    """Name of an injected container that keeps its own one from running; empty if it waits for itself."""
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
        prepared = self.waiting_reason in PREPARING
        return self.phase == "Pending" and bool(self.node) and not self.deleting and prepared

    @property
    def outcome(self) -> TerminationMessage | None:
        """The parsed termination message; None if there is none."""
        return TerminationMessage.from_message(self.end_message) if self.end_message else None

    @classmethod
    def of(cls, pod: Manifest) -> Self:
        """Return the view of a pod as the API server returned it."""
        conditions = conditions_of(pod)
        role, worker = pod_role(text_at(pod, "metadata", "name"))
        container = own_container(pod, role)
        status = container_status(pod, container)
        terminated = fields_at(status, "state", "terminated")
        injected, waiting = waiting_container(pod, container)
        failure = "" if terminated else injected_failure(pod)
        restarts = status.get("restartCount")
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
            worker=worker,
            phase=phase_of(pod, exit_code),
            occupies_node=occupies_node(pod),
            node=text_at(pod, "spec", "nodeName"),
            address=text_at(pod, "status", "podIP"),
            ready=is_ready(conditions.get("Ready", {}), status),
            deleting=is_deleting(pod),
            unschedulable=text_at(scheduled, "message") if scheduled.get("status") == "False" else "",
            pull_failure=pull_failure(waiting),
            disruption=(text_at(target, "reason") or "DisruptionTarget") if disrupted else "",
            disruption_message=text_at(target, "message") if disrupted else "",
            waiting_container=injected,
            waiting_reason=text_at(waiting, "reason"),
            waiting_message=text_at(waiting, "message"),
            accepted=try_parse_rfc3339(text_at(pod, "status", "startTime")),
            last_end_reason=text_at(status, "lastState", "terminated", "reason"),
            restarts=restarts if isinstance(restarts, int) and not isinstance(restarts, bool) else 0,
            delete_by=try_parse_rfc3339(text_at(pod, "metadata", "deletionTimestamp")),
            finalizers=texts_at(pod, "metadata", "finalizers"),
            memory_limit=text_at(container, "resources", "limits", "memory"),
            image=text_at(container, "image"),
            exit_code=exit_code,
            end_reason=end_reason(text_at(terminated, "reason"), text_at(pod, "status", "reason")),
            end_message=text_at(terminated, "message") or text_at(pod, "status", "message") or failure,
            status_message=text_at(pod, "status", "message"),
            manifest=pod,
        )


def pods_with_role(pods: tuple[PodView, ...], role: str) -> tuple[PodView, ...]:
    """Return the pods of one role."""
    return tuple(pod for pod in pods if pod.role == role)
