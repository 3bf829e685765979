"""The NetworkPolicy of a job: who may connect to its pods, where the cluster's network enforces it.

The pods of a job reach each other, and nothing else reaches them but the coordinator's port: from the operator, and from
what the chart admits, such as Prometheus. What the pods connect to is not restricted. The token stands behind it: any
user who may create pods in the namespace can give one the job's label.
"""

from llmtrain_api.names import COORDINATOR_PORT, JOB_LABEL, network_policy_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.snapshot import Job

API_VERSION = "networking.k8s.io/v1"
ROLE = "network"
"""Role label of the NetworkPolicy."""


def network_policy(job: Job, coordinator_from: tuple[Manifest, ...]) -> Manifest:
    """Return the NetworkPolicy of a job. `coordinator_from` are the peers outside of it that reach its coordinator."""
    pods = {"matchLabels": {JOB_LABEL: job.name}}
    ingress: list[Manifest] = [{"from": [{"podSelector": pods}]}]
    if coordinator_from:
        ports = [{"port": COORDINATOR_PORT, "protocol": "TCP"}]
        ingress.append({"from": list(coordinator_from), "ports": ports})
    return {
        "apiVersion": API_VERSION,
        "kind": "NetworkPolicy",
        "metadata": child_metadata(job, network_policy_name(job.name), ROLE),
        "spec": {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": ingress},
    }
