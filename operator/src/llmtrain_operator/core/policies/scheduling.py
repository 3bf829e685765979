"""Why pods don't run yet, in one sentence."""

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.admission import Blocker
from llmtrain_operator.core.snapshot import JobSnapshot


def pull_failure(observed: JobSnapshot, pods: tuple[PodView, ...]) -> Blocker | None:
    """An image that can't be pulled is named, with the field that names it."""
    pod = next((pod for pod in pods if pod.pull_failure), None)
    if pod is None:
        return None
    own = bool(observed.job.spec.image) and pod.role != "coordinator"
    source = "spec.image" if own else "the operator's image setting"
    return Blocker(
        reason=Reason.IMAGE_PULL_FAILED,
        message=f"{source}: pod {pod.name} can't get image '{pod.image}' ({pod.pull_failure.strip()}); "
        "correct the image, or delete the job and create it anew with one that can be pulled",
    )


def unschedulable(observed: JobSnapshot, pods: tuple[PodView, ...]) -> Blocker | None:
    """Pods without a node: the scheduler's own words, and what the job asks for."""
    waiting = [pod for pod in pods if pod.phase == "Pending" and not pod.node]
    if not waiting:
        return None
    words = next((pod.unschedulable for pod in waiting if pod.unschedulable), "")
    if not words:
        return None
    if "unbound immediate PersistentVolumeClaims" in words:
        return Blocker(reason=Reason.VOLUME_PENDING, message=f"the volumes are not bound yet: {words.strip()}")
    workers = observed.job.spec.workers
    each = f"{workers.resources.cpu} CPU, {workers.resources.memory} memory" + (
        f", {workers.gpus} GPUs" if workers.gpus else ""
    )
    return Blocker(
        reason=Reason.UNSCHEDULABLE,
        message=f"{len(waiting)} of {len(pods)} pods have no node ({each} a worker): {words.strip()}; "
        "lower spec.workers.replicas or spec.workers.resources, or wait for nodes to become free",
    )


def why_pending(observed: JobSnapshot, pods: tuple[PodView, ...]) -> Blocker | None:
    """Return what keeps `pods` from running, if anything is known."""
    return pull_failure(observed, pods) or unschedulable(observed, pods)
