"""What all children of a job have in common: labels and an owner."""

from typing import Any

from llmtrain_api.names import API_VERSION, JOB_KIND, JOB_LABEL, MANAGED_BY, MANAGED_BY_LABEL, ROLE_LABEL
from llmtrain_operator.core.snapshot import Job


def child_metadata(job: Job, name: str, role: str, **labels: str) -> dict[str, Any]:
    """Return the metadata of a child: with the job as owner, Kubernetes deletes it with the job."""
    return {
        "name": name,
        "namespace": job.namespace,
        "labels": {JOB_LABEL: job.name, ROLE_LABEL: role, MANAGED_BY_LABEL: MANAGED_BY, **labels},
        "ownerReferences": [
            {"apiVersion": API_VERSION, "kind": JOB_KIND, "name": job.name, "uid": job.uid, "controller": True}
        ],
    }
