"""Allow-lists: which PriorityClasses and tolerations the LLMCluster lets the jobs of a namespace use.

They also hold for a job that runs already: it gets no new pods until it uses only what is allowed.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from llmtrain_api.cluster import Allowed, ClusterSpec
from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_operator.core.policies.admission import Blocker
from llmtrain_operator.core.policies.placement import preferred_pools
from llmtrain_operator.core.pools import GPU_TOLERATION
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan
from llmtrain_operator.core.taints import covers

T = TypeVar("T")

SYSTEM_PRIORITY_CLASSES = "system-"
"""Prefix of the PriorityClasses of Kubernetes itself, whose pods preempt all others."""
NODE_ROLES = "node-role.kubernetes.io/"
"""Prefix of the taints of nodes with a role, such as the control plane."""


def not_allowed(job: Job, cluster: ClusterSpec | None) -> Blocker | None:
    """Return what the job uses although its LLMCluster does not allow it; None if there is nothing."""
    if cluster is None:
        return None
    lists = [cluster.allowed, *(tenant.allowed for tenant in cluster.tenants if tenant.namespace == job.namespace)]
    return priority_class_not_allowed(job, lists) or toleration_not_allowed(job, cluster, lists)


def priority_class_not_allowed(job: Job, lists: Iterable[Allowed]) -> Blocker | None:
    """Return the blocker of a job with a PriorityClass that is in none of the lists."""
    name = job.spec.scheduling.priority_class_name
    allowed = union(each.priority_classes for each in lists)
    if not name or (not name.startswith(SYSTEM_PRIORITY_CLASSES) if allowed is None else name in allowed):
        return None
    return Blocker(
        reason=Reason.PRIORITY_CLASS_NOT_ALLOWED,
        message=f"spec.scheduling.priorityClassName: LLMCluster '{job.spec.cluster}' does not allow '{name}' "
        f"({known('PriorityClasses', allowed)}); use another one, or add it to the cluster's spec.allowed.priorityClasses",
    )


def toleration_not_allowed(job: Job, cluster: ClusterSpec, lists: Iterable[Allowed]) -> Blocker | None:
    """Return the blocker of a job with a toleration that none of the lists and none of its pools has."""
    listed = union(each.tolerations for each in lists)
    of_pools = [toleration for pool in preferred_pools(job.spec.workers, cluster) for toleration in pool.tolerations]
    for toleration in job.spec.workers.tolerations:
        is_listed = (
            not toleration.key.startswith(NODE_ROLES)
            if listed is None
            else any(covers(each, toleration) for each in listed)
        )
        if is_listed or any(covers(each, toleration) for each in (*of_pools, GPU_TOLERATION)):
            continue
        keys = None if listed is None else [each.key for each in listed]
        return Blocker(
            reason=Reason.TOLERATION_NOT_ALLOWED,
            message=f"spec.workers.tolerations: LLMCluster '{job.spec.cluster}' does not allow to tolerate the taint "
            f"'{toleration.key}' like this ({known('taints', keys)}); remove the toleration, or add it to the cluster's "
            "spec.allowed.tolerations",
        )
    return None


def union(lists: Iterable[list[T] | None]) -> list[T] | None:
    """Return the items of all lists that are set; None if none is."""
    given = [each for each in lists if each is not None]
    return [item for each in given for item in each] if given else None


def known(things: str, allowed: list[str] | None) -> str:
    """Return which names are allowed, for a message."""
    if allowed is None:
        return f"it allows all {things} but those of Kubernetes itself"
    return f"allowed {things}: {', '.join(allowed) or 'none'}"


def without_new_pods(stage: StagePlan, blocker: Blocker | None) -> StagePlan:
    """Return the stage of a job with pods: as it is, or with a blocker without objects to create, and with its condition."""
    if blocker is None:
        return stage
    condition = ConditionUpdate(
        type=JobCondition.SCHEDULED, status=False, reason=blocker.reason, message=blocker.message
    )
    return replace(stage, desired=(), conditions=(*stage.conditions, condition))
