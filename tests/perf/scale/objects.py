"""The objects that the benchmark creates through the API: jobs, what they need, and the bare client's pods."""

from collections.abc import Iterable
from typing import Any

from llmtrain_api.names import API_VERSION, JOB_KIND, JOB_PLURAL
from perf.scale.bulk_client import BulkClient
from perf.scale.coordinators import STEPS

Manifest = dict[str, Any]

VOLUME = "shared"


def pods_path(namespace: str) -> str:
    """Return the path of the pods of a namespace."""
    return f"/api/v1/namespaces/{namespace}/pods"


def jobs_path(namespace: str) -> str:
    """Return the path of the LLMTrainingJobs of a namespace."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{JOB_PLURAL}"


def names(number: int) -> Iterable[str]:
    """Return the names of jobs."""
    return (f"job-{each}" for each in range(number))


def job(name: str, workers: int, *, cluster: str = "default") -> Manifest:
    """Return a job of the user's own program, which needs no prepare pod."""
    return {
        "apiVersion": API_VERSION,
        "kind": JOB_KIND,
        "metadata": {"name": name},
        "spec": {
            "cluster": cluster,
            "workers": {
                "replicas": workers,
                "max": max(workers, 8),
                "gpus": 1,
                "resources": {"cpu": "1", "memory": "1Gi"},
            },
            "entrypoint": {"script": "train.py"},
            "data": {"source": {"volume": VOLUME}},
            "training": {"steps": STEPS, "microbatches": workers},
            "checkpoint": {"volume": VOLUME},
        },
    }


def bare_pod(name: str) -> Manifest:
    """Return a pod with one GPU, as a client that only creates pods would make it."""
    container = {"name": "worker", "image": "localhost/pause:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]},
    }


async def make_namespace(client: BulkClient, name: str) -> None:
    """Create a namespace with a claim for the jobs, which is bound without a provisioner.

    Pods are refused until the namespace has its default ServiceAccount.
    """
    await client.create("/api/v1/namespaces", [{"metadata": {"name": name}}])
    await client.until_count(f"/api/v1/namespaces/{name}/serviceaccounts", 1, 60)
    volume = f"{name}-{VOLUME}"
    size = {"storage": "1Gi"}
    spec: Manifest = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    reference = {"kind": "PersistentVolumeClaim", "namespace": name, "name": VOLUME}
    source = {"capacity": size, "hostPath": {"path": "/tmp"}, "claimRef": reference}
    await client.create("/api/v1/persistentvolumes", [{"metadata": {"name": volume}, "spec": {**spec, **source}}])
    claim = {"metadata": {"name": VOLUME}, "spec": {**spec, "volumeName": volume, "resources": {"requests": size}}}
    await client.create(f"/api/v1/namespaces/{name}/persistentvolumeclaims", [claim])


async def end_pod(client: BulkClient, namespace: str, pod: str, *, exit_code: int, container: str = "worker") -> None:
    """Report the end of a pod's container, as its kubelet would."""
    ended = {"terminated": {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}}
    status = {
        "phase": "Failed" if exit_code else "Succeeded",
        "containerStatuses": [
            {
                "name": container,
                "image": "",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": ended,
            }
        ],
    }
    path = f"{pods_path(namespace)}/{pod}/status"
    await client.call("PATCH", path, {"status": status}, content_type="application/merge-patch+json", accepted=(404,))
