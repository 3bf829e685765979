"""Outdated pods: the condition Updated lists pods that were created before a change of the spec, and how to apply it."""

from collections.abc import Mapping

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.objects.pod_settings import pod_settings, settings_of
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.stage_plan import ConditionUpdate


def updated_conditions(spec: JobSpec, status: JobStatus, pods: tuple[PodView, ...]) -> tuple[ConditionUpdate, ...]:
    """Return the condition Updated of a job, if a pod is outdated, or was and no longer is."""
    desired = {role: pod_settings(spec, role) for role in {pod.role for pod in pods}}
    outdated = {pod.name: fields for pod in pods if (fields := outdated_fields(desired[pod.role], pod))}
    if outdated:
        changed = sorted(set[str]().union(*outdated.values()))
        message = outdated_message(min(outdated), len(outdated), changed)
        return (ConditionUpdate(type=JobCondition.UPDATED, status=False, reason=Reason.OUTDATED_PODS, message=message),)
    if any(condition.type == JobCondition.UPDATED and condition.status == "False" for condition in status.conditions):
        message = "all pods were created with the current spec"
        return (
            ConditionUpdate(type=JobCondition.UPDATED, status=True, reason=Reason.ALL_PODS_UPDATED, message=message),
        )
    return ()


def outdated_fields(desired: Mapping[str, str], pod: PodView) -> frozenset[str]:
    """Return the fields of the spec that have changed since a pod was created; none for a pod that ends anyway.

    `desired` are the hashes of the settings of its role. It is not known, and so not reported, of a pod of an operator that did not record them.
    """
    created_with = settings_of(pod.manifest)
    if created_with is None or pod.finished or pod.deleting:
        return frozenset()
    return frozenset(field for field in {*created_with, *desired} if created_with.get(field) != desired.get(field))


def outdated_message(first: str, count: int, fields: list[str]) -> str:
    """Return which pods have old values of which fields, and the remedy."""
    pods = f"pod {first} was" if count == 1 else f"pod {first} and {count - 1} more were"
    return (
        f"{pods} created before {', '.join(f'spec.{field}' for field in fields)} changed, which holds for pods that are created "
        "from now on; to apply it to all, suspend and resume the job, or delete these pods"
    )
