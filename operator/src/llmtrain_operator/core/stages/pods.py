"""What the stages share: the conditions of their pods, the claims and the run config."""

from collections.abc import Collection

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import JobSpec
from llmtrain_operator.core.manifest import Manifest, ObjectKey, object_key
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.objects.run_config import run_config_map
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.scheduling import why_pending
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate


def shared_objects(
    job: Job, cluster: ClusterSpec | None, *, claims: Collection[str], objects: Collection[ObjectKey]
) -> tuple[Manifest, ...]:
    """Return what every stage needs and what does not exist yet: claims of storage pools, and the run config.

    `claims` are the names of the namespace's claims, `objects` the keys of the job's objects.
    """
    pools = {pool.name: pool for pool in cluster.storage_pools} if cluster else {}
    volumes = dict.fromkeys((job.spec.data.source.volume, job.spec.checkpoint.volume))
    missing_claims = [
        persistent_volume_claim(pools[volume], job.namespace, job.spec.cluster)
        for volume in volumes
        if volume in pools and volume not in claims
    ]
    config = run_config_map(job)  # immutable: an existing one is never changed
    return (*missing_claims, *([] if object_key(config) in objects else [config]))


def pod_conditions(
    spec: JobSpec,
    pods: tuple[PodView, ...],
    *,
    desired: int,
    reason: Reason,
    message: str,
    is_running: bool = True,
) -> tuple[ConditionUpdate, ...]:
    """Return whether a stage's pods are scheduled, and whether they run.

    `desired` is how many pods there must be; `reason` and `message` describe what they do once all have a node.
    `is_running` is False for pods that have a node and do not do their work.
    """
    blocker = why_pending(spec, pods)
    placed = len([pod for pod in pods if pod.node])
    if blocker is not None:
        return (
            _scheduled(False, blocker.reason, blocker.message),
            _running(False, blocker.reason, blocker.message),
        )
    if placed < desired:
        text = f"{placed} of {desired} pods have a node"
        return (
            _scheduled(False, Reason.WAITING, text),
            _running(False, Reason.WAITING if is_running else reason, text),
        )
    started = all(pod.phase != "Pending" for pod in pods)
    return (
        _scheduled(True, Reason.SCHEDULED, "all pods have a node"),
        _running(is_running and started, reason, message),
    )


def _scheduled(status: bool, reason: Reason, message: str) -> ConditionUpdate:
    return ConditionUpdate(type=JobCondition.SCHEDULED, status=status, reason=reason, message=message)


def _running(status: bool, reason: Reason, message: str) -> ConditionUpdate:
    return ConditionUpdate(type=JobCondition.RUNNING, status=status, reason=reason, message=message)
