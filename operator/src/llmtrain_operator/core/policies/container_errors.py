"""Container errors: why the container of a pod that has a node does not run, in words with the remedy."""

from datetime import datetime, timedelta

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.pod_containers import PREPARING
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.admission import Blocker

CRASH_LOOP = "CrashLoopBackOff"
REMEDIES = {
    "CreateContainerConfigError": "create the Secret, ConfigMap or key that the message names, or correct the reference",
    "CreateContainerError": "correct the cause that the container runtime reports, such as a mount, a device or a runtime class",
    "RunContainerError": "correct the cause that the container runtime reports, such as the command or a mount",
    "PreStartHookError": "correct the cause that the container runtime reports",
    "CreatePodSandboxError": "check the network plugin and the container runtime of the node",
}
"""What to do about each reason that the kubelet gives for a container that it cannot start."""
MULTI_ATTACH = "Multi-Attach"
EVENT_REMEDIES = {
    "FailedMount": "check that the claim exists, and that the node can reach the storage server",
    "FailedAttachVolume": "check the volume and the storage driver of the node",
    "FailedMapVolume": "check the volume and the storage driver of the node",
    "FailedCreatePodSandBox": "check the network plugin and the container runtime of the node",
}
"""What to do about each warning event of a pod that its node cannot prepare."""
START_SECONDS = 15
"""How long a node can prepare a pod before its events are read."""
START_RECHECK = timedelta(seconds=30)
"""How often it is checked after that whether the pod starts."""


def container_error(pods: tuple[PodView, ...]) -> Blocker | None:
    """Return what keeps the first container from running that its kubelet cannot start or keep alive."""
    return next((blocker for pod in pods if not pod.deleting and (blocker := error_of(pod)) is not None), None)


def error_of(pod: PodView) -> Blocker | None:
    """Return what keeps the container of a pod from running; None if it runs, or just starts."""
    if pod.waiting_reason == CRASH_LOOP:
        return Blocker(reason=Reason.CRASH_LOOP_BACK_OFF, message=crash_loop_message(pod))
    if pod.starting and pod.warning:
        return start_warning(pod)
    if pod.waiting_reason in PREPARING:
        return None
    detail = f" ({pod.waiting_message.strip()[:512]})" if pod.waiting_message else ""
    remedy = REMEDIES.get(pod.waiting_reason, f"read `kubectl describe pod {pod.name}` and correct the cause")
    return Blocker(
        reason=Reason.CONTAINER_NOT_STARTED,
        message=f"{place_of(pod)}: {pod.waiting_reason}{detail}; {remedy}",
    )


def place_of(pod: PodView) -> str:
    """Return the pod and its node, and the container that waits if it is not the job's own."""
    injected = f", container {pod.waiting_container}" if pod.waiting_container else ""
    return f"pod {pod.name} on {pod.node or 'no node'}{injected}"


def crash_loop_message(pod: PodView) -> str:
    """Return how often and why a container ended that its kubelet restarts, and the remedy."""
    if pod.waiting_container:
        logs = f"kubectl logs {pod.name} -c {pod.waiting_container} --previous"
        return f"{place_of(pod)}: CrashLoopBackOff; read `{logs}` and correct the cause where the container is injected"
    ended = f"at last with {pod.last_end_reason}" if pod.last_end_reason else "again and again"
    limit = f" (memory limit {pod.memory_limit})" if pod.last_end_reason == "OOMKilled" and pod.memory_limit else ""
    return (
        f"pod {pod.name} on {pod.node or 'no node'}: CrashLoopBackOff after {pod.restarts} restarts; its container ended "
        f"{ended}{limit}; read `kubectl logs {pod.name} --previous` and correct the cause"
    )


def start_warning(pod: PodView) -> Blocker | None:
    """Return why a node cannot prepare a pod, by its newest warning event; None if the event is of another kind."""
    event = pod.warning.partition(":")[0]
    if event not in EVENT_REMEDIES:
        return None
    remedy = EVENT_REMEDIES[event]
    if MULTI_ATTACH in pod.warning:
        remedy = (
            "the volume can be used on one node at a time: use one with access mode ReadWriteMany, or let the pod on "
            "the other node end"
        )
    reason = Reason.CONTAINER_NOT_STARTED if event == "FailedCreatePodSandBox" else Reason.FAILED_MOUNT
    return Blocker(reason=reason, message=f"pod {pod.name} on {pod.node}: {pod.warning[:768]}; {remedy}")


def is_slow(pod: PodView, now: datetime) -> bool:
    """Return whether a node prepares a pod for so long that its events may say why."""
    return pod.starting and pod.accepted is not None and now - pod.accepted >= timedelta(seconds=START_SECONDS)


def next_start_check(pods: tuple[PodView, ...], now: datetime) -> timedelta | None:
    """Return when to look at the pods that start; None if none does."""
    limits = (pod.accepted + timedelta(seconds=START_SECONDS) - now for pod in pods if pod.starting and pod.accepted)
    return min((limit if limit > timedelta(0) else START_RECHECK for limit in limits), default=None)
