"""What all objects of a job have in common: labels and an owner."""

from llmtrain_api.names import API_VERSION, JOB_KIND, JOB_LABEL, MANAGED_BY, MANAGED_BY_LABEL, ROLE_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.snapshot import Job


def child_metadata(job: Job, name: str, role: str, **labels: str) -> Manifest:
    """Return the metadata of an object of `job`. As the job owns it, Kubernetes deletes it with the job."""
    return {
        "name": name,
        "namespace": job.namespace,
        "labels": {JOB_LABEL: job.name, ROLE_LABEL: role, MANAGED_BY_LABEL: MANAGED_BY, **labels},
        "ownerReferences": [
            {"apiVersion": API_VERSION, "kind": JOB_KIND, "name": job.name, "uid": job.uid, "controller": True}
        ],
    }
