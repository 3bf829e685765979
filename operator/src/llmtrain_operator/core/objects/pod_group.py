"""The PodGroup: with gang scheduling, the workers and the coordinator are placed together or not at all."""

from llmtrain_api.names import pod_group_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.snapshot import Job

API_VERSION = "scheduling.k8s.io/v1beta1"


def pod_group(job: Job, workers: int | None = None) -> Manifest:
    """Return the PodGroup of a job's workers and its coordinator; only `workers` of them if no more can run at once."""
    count = job.spec.workers.replicas if workers is None else workers
    spec: Manifest = {"schedulingPolicy": {"gang": {"minCount": count + 1}}}
    if job.spec.scheduling.priority_class_name:
        spec["priorityClassName"] = job.spec.scheduling.priority_class_name
    return {
        "apiVersion": API_VERSION,
        "kind": "PodGroup",
        "metadata": child_metadata(job, pod_group_name(job.name), "gang"),
        "spec": spec,
    }
