"""Snapshots to plan on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import Condition
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.termination import TerminationMessage
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Images, Job, JobSnapshot

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
IMAGES = Images(coordinator="operator:1", trainer="trainer:1", trainer_cpu="trainer-cpu:1")
CLUSTER = ClusterSpec.model_validate(
    {"storagePools": [{"name": "datasets"}, {"name": "checkpoints", "purpose": "checkpoints"}]}
)
SPEC: dict[str, Any] = {
    "workers": {"replicas": 2},
    "data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}},
    "training": {"steps": 100},
    "checkpoint": {"volume": "checkpoints"},
}
DATASET = {"id": "d1", "tokens": 1000, "heldOutTokens": 50, "vocabSize": 4096}


def ago(seconds: float) -> str:
    """Return the stamp of an instant in the past."""
    return format_rfc3339(NOW - timedelta(seconds=seconds))


def job(status: dict[str, Any] | None = None, **spec: Any) -> Job:
    """Return a job; `spec` replaces parts of a plain one."""
    return Job(
        name="j",
        namespace="ns",
        uid="uid-of-j",
        metadata_generation=1,
        created=NOW - timedelta(minutes=10),
        spec=JobSpec.model_validate({**SPEC, **spec}),
        status=JobStatus.model_validate(status or {}),
    )


def started(**more: Any) -> dict[str, Any]:
    """Return the status of a job that has begun."""
    images = {"trainerImage": "trainer-cpu:0", "coordinatorImage": "operator:0"}
    return {"startTime": ago(300), **images, **more}


def observed(the_job: Job | None = None, **fields: Any) -> JobSnapshot:
    """Return a snapshot."""
    plain = JobSnapshot(
        now=NOW, job=the_job or job(), cluster=CLUSTER, clusters=("default",), images=IMAGES, gang_available=True
    )
    return replace(plain, **fields)


def pod(name: str, role: str = "worker", phase: str = "Running", **fields: Any) -> PodView:
    """Return a pod of the job; a worker's number is the end of its name."""
    labels = {ROLE_LABEL: role, **({WORKER_LABEL: name.rsplit("-", 1)[1]} if role == "worker" else {})}
    manifest: dict[str, Any] = {
        "metadata": {"name": name, "uid": f"uid-of-{name}", "labels": labels},
        "spec": {"nodeName": "node-1", "containers": [{"image": "trainer-cpu:0"}]},
        "status": {"phase": phase},
    }
    view = PodView.of(manifest)
    return replace(view, ready=phase == "Running", **fields)


def failed_pod(name: str, exit_code: int = 1, outcome: TerminationMessage | None = None, **fields: Any) -> PodView:
    """Return a pod that ended badly."""
    role = "worker" if "worker" in name else name.rsplit("-", 1)[1]
    message = outcome.to_message() if outcome else ""
    return pod(name, role, "Failed", exit_code=exit_code, end_message=message, **fields)


def conditions(status: JobStatus | None) -> dict[str, Condition]:
    """Return conditions by type."""
    return {condition.type: condition for condition in status.conditions} if status else {}
