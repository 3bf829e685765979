"""Scheduling: why pods do not run yet, with the messages of the scheduler and the kubelet."""

from llmtrain_api.conditions import Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.workers import Workers
from llmtrain_operator.core.manifest import strings_at
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.admission import Blocker
from llmtrain_operator.core.policies.container_errors import container_error, place_of

UNBOUND_CLAIMS = "unbound immediate PersistentVolumeClaims"
"""What the scheduler reports while the volumes of a pod are being provisioned."""


def why_pending(spec: JobSpec, pods: tuple[PodView, ...]) -> Blocker | None:
    """Return what keeps `pods` from running, if the cluster has reported a cause."""
    return pull_failure(spec, pods) or container_error(pods) or unschedulable(spec.workers, pods)


def pull_failure(spec: JobSpec, pods: tuple[PodView, ...]) -> Blocker | None:
    """Return the first image that cannot be pulled, with the field that names it."""
    pod = next((pod for pod in pods if pod.pull_failure), None)
    if pod is None:
        return None
    from_spec = bool(spec.image) and pod.role != "coordinator"
    field = "spec.image" if from_spec else "image of the operator's Helm chart"
    if pod.waiting_container:
        return Blocker(
            reason=Reason.IMAGE_PULL_FAILED,
            message=f"{place_of(pod)}, which was injected: its image cannot be pulled ({pod.pull_failure.strip()}); "
            "correct it in the webhook or policy that injects the container",
        )
    return Blocker(
        reason=Reason.IMAGE_PULL_FAILED,
        message=f"{field}: pod {pod.name} cannot pull image '{pod.image}' ({pod.pull_failure.strip()}); "
        "make the image available, name a Secret with the registry's credentials in spec.pullSecrets, or delete the job and "
        "create it with an image that can be pulled",
    )


def unschedulable(workers: Workers, pods: tuple[PodView, ...]) -> Blocker | None:
    """Return why the scheduler finds no node for some pods, and what each worker requests."""
    waiting = [pod for pod in pods if pod.phase == "Pending" and not pod.node]
    cause = next((pod.unschedulable.strip(" .\n") for pod in waiting if pod.unschedulable), "")
    if not cause:
        return None
    if UNBOUND_CLAIMS in cause:
        return Blocker(
            reason=Reason.VOLUME_PENDING,
            message=f"PersistentVolumeClaims are not bound yet: {cause}; wait until they are provisioned, or correct their "
            "StorageClass and access mode",
        )
    return Blocker(
        reason=Reason.UNSCHEDULABLE,
        message=f"{len(waiting)} of {len(pods)} pods have no node (each worker requests {requests(workers)}"
        f"{selected_nodes(waiting[0])}): {cause}; "
        "free or add nodes, lower spec.workers.replicas, or create the job again with smaller spec.workers.resources",
    )


def selected_nodes(pod: PodView) -> str:
    """Return which nodes a pod selects, by its compute pool and its job, such as ", on nodes with gpu=h200"."""
    labels = strings_at(pod.manifest, "spec", "nodeSelector")
    return f", on nodes with {', '.join(f'{key}={value}' for key, value in labels.items())}" if labels else ""


def requests(workers: Workers) -> str:
    """Return what each worker requests, such as "1 CPU, 2Gi memory, 8 GPUs"."""
    gpus = f", {workers.gpus} GPUs" if workers.gpus else ""
    extra = "".join(f", {amount} {name}" for name, amount in workers.resources.extra.items())
    return f"{workers.resources.cpu} CPU, {workers.resources.memory} memory{gpus}{extra}"
