"""Container errors: why the container of a pod that has a node does not run, in words with the remedy."""

from llmtrain_api.conditions import Reason
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


def container_error(pods: tuple[PodView, ...]) -> Blocker | None:
    """Return what keeps the first container from running that its kubelet cannot start or keep alive."""
    return next((blocker for pod in pods if not pod.deleting and (blocker := error_of(pod)) is not None), None)


def error_of(pod: PodView) -> Blocker | None:
    """Return what keeps the container of a pod from running; None if it runs, or just starts."""
    if pod.waiting_reason == CRASH_LOOP:
        return Blocker(reason=Reason.CRASH_LOOP_BACK_OFF, message=crash_loop_message(pod))
    remedy = REMEDIES.get(pod.waiting_reason)
    if remedy is None:
        return None
    detail = f" ({pod.waiting_message.strip()[:512]})" if pod.waiting_message else ""
    return Blocker(
        reason=Reason.CONTAINER_NOT_STARTED,
        message=f"pod {pod.name} on {pod.node or 'no node'}: {pod.waiting_reason}{detail}; {remedy}",
    )


def crash_loop_message(pod: PodView) -> str:
    """Return how often and why a container ended that its kubelet restarts, and the remedy."""
    ended = f"at last with {pod.last_end_reason}" if pod.last_end_reason else "again and again"
    limit = f" (memory limit {pod.memory_limit})" if pod.last_end_reason == "OOMKilled" and pod.memory_limit else ""
    return (
        f"pod {pod.name} on {pod.node or 'no node'}: CrashLoopBackOff after {pod.restarts} restarts; its container ended "
        f"{ended}{limit}; read `kubectl logs {pod.name} --previous` and correct the cause"
    )
