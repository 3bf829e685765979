"""Jobs, pods, nodes and snapshots of them, as tests of decisions need them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import Condition
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import ROLE_LABEL, WORKER_LABEL
from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_api.termination import TerminationMessage
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Images, Job, JobSnapshot
from llmtrain_operator.core.taints import Taint
from llmtrain_operator.shell.token_keys import TokenKeys

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
KEYS = TokenKeys(newest=b"0" * 32)
TOKEN = KEYS.token("uid-of-j")
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
    """Return the RFC 3339 time `seconds` before NOW."""
    return format_rfc3339(NOW - timedelta(seconds=seconds))


def job(status: dict[str, Any] | None = None, **spec: Any) -> Job:
    """Return a job; `spec` replaces fields of the default spec."""
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
    """Return the status of a job that has started."""
    images = {"trainerImage": "trainer-cpu:0", "coordinatorImage": "operator:0"}
    return {"startTime": ago(300), **images, **more}


def snapshot(the_job: Job | None = None, **fields: Any) -> JobSnapshot:
    """Return a snapshot of a job in a cluster where nothing keeps it from starting."""
    default = JobSnapshot(
        now=NOW,
        job=the_job or job(),
        cluster=CLUSTER,
        clusters=("default",),
        images=IMAGES,
        token=TOKEN,
        gang_available=True,
    )
    return replace(default, **fields)


def pod(name: str, role: str = "worker", phase: str = "Running", **fields: Any) -> PodView:
    """Return a pod of the job, bound to node-1; a worker's number is the end of its name."""
    labels = {ROLE_LABEL: role, **({WORKER_LABEL: name.rsplit("-", 1)[1]} if role == "worker" else {})}
    manifest: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-of-{name}", "labels": labels},
        "spec": {"nodeName": "node-1", "containers": [{"image": "trainer-cpu:0"}]},
        "status": {"phase": phase},
    }
    view = PodView.of(manifest)
    return replace(view, ready=phase == "Running", **fields)


def failed_pod(name: str, exit_code: int = 1, outcome: TerminationMessage | None = None, **fields: Any) -> PodView:
    """Return a pod that failed, with `outcome` as its termination message."""
    role = "worker" if "worker" in name else name.rsplit("-", 1)[1]
    message = outcome.to_message() if outcome else ""
    return pod(name, role, "Failed", exit_code=exit_code, end_message=message, **fields)


def succeeded_pod(name: str, role: str = "worker", **outcome: Any) -> PodView:
    """Return a pod that succeeded; `outcome` are fields of its termination message."""
    message = TerminationMessage(reason="Completed", **outcome).to_message()
    return pod(name, role, "Succeeded", exit_code=0, end_message=message)


def pending_pod(name: str, role: str = "worker", unschedulable: str = "") -> PodView:
    """Return a pod without a node; `unschedulable` is the scheduler's message."""
    return replace(pod(name, role, "Pending"), node="", unschedulable=unschedulable)


def coordinator_status(state: str = "Training", **fields: Any) -> CoordinatorStatus:
    """Return the status of a coordinator whose two ranks have joined."""
    default = {"state": state, "generation": 1, "desired": 2, "joined": 2, "members": []}
    return CoordinatorStatus.model_validate({**default, **fields})


def progress(**fields: Any) -> Progress:
    """Return the progress of a training after 25 of 100 steps."""
    default = Progress(
        generation=1,
        step=25,
        steps=100,
        loss=3.25,
        learning_rate=1e-3,
        gradient_norm=1.0,
        tokens=25600,
        tokens_per_second=1024.0,
    )
    return default.model_copy(update=fields)


def names(manifests: Iterable[Manifest]) -> list[str]:
    """Return kinds and names of objects."""
    return [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in manifests]


def conditions(status: JobStatus | None) -> dict[str, Condition]:
    """Return the conditions of a status by type."""
    return {condition.type: condition for condition in status.conditions} if status else {}


def node(
    ready: str = "True", *, name: str = "n", labels: dict[str, str] | None = None, since: float = 300, **spec: Any
) -> Manifest:
    """Return a node with 8 GPUs; `ready` is the status of its condition Ready, for `since` seconds before NOW."""
    return {
        "metadata": {"name": name, "uid": f"uid-of-{name}", "labels": labels or {}},
        "spec": spec,
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": ready,
                    "message": "kubelet stopped posting",
                    "lastTransitionTime": ago(since),
                }
            ],
            "allocatable": {"nvidia.com/gpu": "8"},
            "capacity": {"nvidia.com/gpu": "8"},
        },
    }


def node_view(
    name: str,
    *,
    gpus: int = 8,
    capacity: int = 8,
    allocated: int = 0,
    ready: bool = True,
    ordinary: bool = True,
    **labels: str,
) -> NodeView:
    """Return the view of a node; its pods are in the namespace "team"."""
    return NodeView(
        name=name,
        labels=labels,
        ready=ready,
        reason="" if ready else "cordoned",
        taints=() if ordinary else (Taint("team", "", "NoSchedule"),),
        gpus=gpus,
        gpus_allocated=allocated,
        gpus_capacity=capacity,
        gpus_by_namespace={"team": allocated} if allocated else {},
    )
