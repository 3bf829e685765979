"""What the stages share: the conditions of their pods, the claims and the run config."""

from collections.abc import Collection

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.names import run_config_name
from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.objects.network_policy import network_policy
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.objects.run_config import run_config_map
from llmtrain_operator.core.objects.volumes import claims_of
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.admission import Blocker
from llmtrain_operator.core.policies.scheduling import why_pending
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate


def shared_objects(
    job: Job,
    cluster: ClusterSpec | None,
    *,
    claims: Collection[str],
    objects: Collection[ObjectKey],
    coordinator_from: tuple[Manifest, ...] | None,
) -> tuple[Manifest, ...]:
    """Return what every stage needs: the NetworkPolicy, and claims of storage pools and the run config if they don't exist.

    `claims` are the names of the namespace's claims, `objects` the keys of the job's objects, `coordinator_from` the peers
    of the NetworkPolicy; without one, it is None.
    """
    pools = {pool.name: pool for pool in cluster.storage_pools} if cluster else {}
    volumes = dict.fromkeys(claim for _, claim in claims_of(job.spec))
    missing_claims = [
        persistent_volume_claim(pools[volume], job.namespace, job.spec.cluster)
        for volume in volumes
        if volume in pools and volume not in claims
    ]
    has_config = ("ConfigMap", run_config_name(job.name, job.uid)) in objects  # immutable: it is never changed
    policy = [] if coordinator_from is None else [network_policy(job, coordinator_from)]
    return (*policy, *missing_claims, *([] if has_config else [run_config_map(job)]))


def pod_conditions(
    spec: JobSpec,
    pods: tuple[PodView, ...],
    *,
    desired: int,
    reason: Reason,
    message: str,
    is_running: bool | None = None,
) -> tuple[ConditionUpdate, ...]:
    """Return whether a stage's pods are scheduled, and whether they run.

    `desired` is how many pods there must be; `reason` and `message` describe what they do. `is_running` is whether they
    do their work: True even if some pods are missing, False even if all have a node, None if it follows from the pods.
    """
    blocker = why_pending(spec, pods)
    placed = len([pod for pod in pods if pod.node and not pod.deleting])
    missing = None
    if placed < desired:
        missing = Blocker(reason=Reason.WAITING, message=f"{placed} of {desired} pods have a node")
    cause = blocker or missing
    scheduled = (
        _scheduled(True, Reason.SCHEDULED, "all pods have a node")
        if cause is None
        else _scheduled(False, cause.reason, cause.message)
    )
    if is_running:
        return (scheduled, _running(True, reason, message))
    if cause is not None:
        keeps_reason = cause is missing and is_running is not None
        return (scheduled, _running(False, reason if keeps_reason else cause.reason, cause.message))
    started = all(pod.phase != "Pending" for pod in pods)
    return (scheduled, _running(is_running is None and started, reason, message))


def _scheduled(status: bool, reason: Reason, message: str) -> ConditionUpdate:
    return ConditionUpdate(type=JobCondition.SCHEDULED, status=status, reason=reason, message=message)


def _running(status: bool, reason: Reason, message: str) -> ConditionUpdate:
    return ConditionUpdate(type=JobCondition.RUNNING, status=status, reason=reason, message=message)
