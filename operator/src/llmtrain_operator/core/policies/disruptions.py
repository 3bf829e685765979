"""Disruptions: drains, preemptions, evictions and deletions remove pods for a reason outside of the job.

They are no failures. Kubernetes announces them with the condition DisruptionTarget, deletions aside. They are recorded and reported as what they are, and do
not spend the failure budget.
"""

from datetime import datetime

from llmtrain_api.job_status import Failure
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.pod_view import PodView

POD_DELETED = "PodDeleted"
"""Reason of a pod that someone else than the operator deletes; Kubernetes has no condition for that."""
CAUSES = {
    POD_DELETED: "it was deleted, as `kubectl delete` and `kubectl drain --disable-eviction` do",
    "PreemptionByScheduler": "the scheduler preempted it in favour of pods with a higher priority; set "
    "spec.scheduling.priorityClassName to a higher PriorityClass if that is not intended",
    "EvictionByEvictionAPI": "it was evicted through the eviction API, as `kubectl drain` and autoscalers do",
    "DeletionByTaintManager": "its node has a taint that it does not tolerate; spec.workers.tolerations could allow it",
    "DeletionByPodGC": "its node no longer exists",
    "TerminationByKubelet": "the kubelet ended it, because its node shuts down or is short of memory, disk or processes",
}
"""What each reason of DisruptionTarget means, with the remedy if there is one."""


def is_disrupted(pod: PodView) -> bool:
    """Return whether a pod that has not succeeded is being removed for a reason outside of the job."""
    return bool(pod.disruption) and (pod.phase == "Failed" or (pod.deleting and pod.phase != "Succeeded"))


def disruption_of(pod: PodView, now: datetime, *, term: int = 0, generation: int = 0) -> Failure:
    """Return the record of a disrupted pod, in the term and membership generation in which it was observed."""
    cause = CAUSES.get(pod.disruption, "it was disrupted")
    detail = pod.disruption_message.strip()
    return Failure(
        pod=pod.name,
        uid=pod.uid,
        node=pod.node,
        time=format_rfc3339(now),
        term=term,
        membership_generation=generation,
        exit_code=pod.exit_code,
        reason=pod.disruption[:64],
        message=f"{cause}{f' ({detail})' if detail else ''}"[:1024],
        disruption=True,
    )
