"""The life of one job on an API server that has no nodes: what the scheduler, kubelets and trainers do with its pods.

The job is in a namespace of its own, with an LLMCluster of that name. A script decides what happens to it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from llmtrain_api.names import API_VERSION, CLUSTER_KIND, JOB_KIND, ROLE_LABEL, TERM_ANNOTATION
from llmtrain_api.protocol import CoordinatorStatus, Member, Progress
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_api.termination import DatasetInfo, ModelInfo, TerminationMessage
from support.control_plane import Administrator, absent_is_fine

NODE = "played"
JOB = "job"
TIME = "2026-01-01T00:00:00.000Z"
DATASET = DatasetInfo(id="d1", tokens=1000, held_out_tokens=100, vocab_size=64, unigram_loss=4.0)
MODEL = ModelInfo(loss=1.0, perplexity=2.7, unigram_perplexity=50.0, parameters=10, path="model")
REPLICAS = 2
SPEC: dict[str, Any] = {
    "workers": {"replicas": REPLICAS},
    "data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}},
    "training": {"steps": 100},
    "checkpoint": {"volume": "checkpoints"},
}
CHILDREN = (
    "/api/v1/namespaces/{}/pods",
    "/api/v1/namespaces/{}/services",
    "/api/v1/namespaces/{}/configmaps",
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "/apis/scheduling.k8s.io/v1beta1/namespaces/{}/podgroups",
    "/api/v1/namespaces/{}/secrets",
)
CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"

JobScript = Callable[["Life"], Awaitable[None]]
"""Called after each change of the job or its pods."""


class Life:
    """One job, and what its cluster does to it."""

    def __init__(self, admin: Administrator, namespace: str, script: JobScript, address: str) -> None:
        self.admin, self.namespace, self.script, self.address = admin, namespace, script, address
        self.pods: dict[str, Any] = {}
        """Pods by uid."""
        self.job: Any = None
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.failed = self.suspended = self.deleted = False
        """What the script has done."""
        self.term = 0
        """The coordinator's term when the script did it."""
        self.coordinator = ""
        """Uid of the coordinator's pod."""
        self.membership: tuple[str, ...] = ()
        self.generation = 0

    @property
    def status(self) -> Any:
        """The status of the job; empty before it has one."""
        return (self.job or {}).get("status", {})

    @property
    def is_over(self) -> bool:
        """Whether the job has succeeded, or does not exist any more after it was deleted."""
        return self.job is None if self.deleted else self.status.get("stage") == "Succeeded"

    @property
    def path(self) -> str:
        """The URL path of the job."""
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/llmtrainingjobs/{JOB}"

    async def create(self) -> None:
        """Create the namespace, the LLMCluster and the job."""
        await self.admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        pools = [
            {"name": name, "size": "1Gi", "accessMode": "ReadWriteMany", "storageClassName": "none"}
            for name in ("datasets", "checkpoints")
        ]
        spec = {"computePools": [], "storagePools": pools, "tenants": [{"namespace": self.namespace}]}
        cluster = {"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "metadata": {"name": self.namespace}, "spec": spec}
        await self.admin.send("POST", f"/apis/{API_VERSION}/llmclusters", cluster)
        job_spec = {**SPEC, "cluster": self.namespace}
        job = {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": {"name": JOB}, "spec": job_spec}
        await self.admin.send("POST", self.path.removesuffix(f"/{JOB}"), job)

    async def annotate(self) -> None:
        """Change the node and the namespace, in nothing that matters to the job."""
        for path in (f"/api/v1/nodes/{NODE}", f"/api/v1/namespaces/{self.namespace}"):
            await self.admin.merge(path, {"metadata": {"annotations": {"example.org/life": self.namespace}}})

    async def run(self) -> None:
        """Act after each change, forever."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            for pod in tuple(self.pods.values()):
                await absent_is_fine(self.advance(pod))
            await absent_is_fine(self.script(self))

    async def advance(self, pod: Any) -> None:
        """Do what the scheduler, the kubelet and the pods of short stages do."""
        metadata, phase, role = pod["metadata"], pod["status"].get("phase"), role_of(pod)
        path = f"/api/v1/namespaces/{self.namespace}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
            await self.admin.send("DELETE", path, options)
        elif not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            await self.admin.send("POST", f"{path}/binding", {"metadata": {"name": metadata["name"]}, "target": target})
        elif phase == "Pending":
            ready = [{"type": type, "status": "True"} for type in ("PodScheduled", "Ready")]
            await self.report(pod, phase="Running", podIP=self.address, startTime=TIME[:-5] + "Z", conditions=ready)
        elif phase == "Running" and role == "prepare":
            await self.end(pod, TerminationMessage(reason="Completed", dataset=DATASET))
        elif phase == "Running" and role == "publish":
            await self.end(pod, TerminationMessage(reason="Completed", model=MODEL))

    async def end(self, pod: Any, message: TerminationMessage, exit_code: int = 0) -> None:
        """Report that the container of a pod has ended."""
        terminated = {"exitCode": exit_code, "message": message.to_message()}
        container = {"name": role_of(pod), "image": "i", "imageID": "i", "ready": False, "restartCount": 0}
        states = [{**container, "state": {"terminated": terminated}}]
        await self.report(pod, phase="Failed" if exit_code else "Succeeded", containerStatuses=states)

    async def report(self, pod: Any, **status: Any) -> None:
        """Change the status of a pod, unless it has changed since it was seen."""
        metadata = {"resourceVersion": pod["metadata"]["resourceVersion"]}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/status"
        await self.admin.merge(path, {"metadata": metadata, "status": status})

    def running(self, role: str) -> list[Any]:
        """Return the pods of a role that run, by name."""
        pods = (pod for pod in self.pods.values() if pod["status"].get("phase") == "Running" and role_of(pod) == role)
        present = (pod for pod in pods if "deletionTimestamp" not in pod["metadata"])
        return sorted(present, key=lambda pod: str(pod["metadata"]["name"]))

    def is_training(self, generation: int) -> bool:
        """Return whether the status says that a membership generation trains, and its workers run."""
        last = self.status.get("recoveries", {}).get("last", {}).get("membershipGeneration", 0)
        return (
            self.status.get("stage") == "Training"
            and self.generation == generation
            and last == generation - 1
            and len(self.running("worker")) == REPLICAS
        )

    def coordinator_status(self) -> CoordinatorStatus:
        """Return what the coordinator answers: a training as soon as all workers run."""
        pods, coordinators = self.running("worker"), self.running("coordinator")
        if coordinators and self.coordinator != (uid := coordinators[0]["metadata"]["uid"]):
            self.coordinator, self.membership, self.generation = uid, (), 0
        uids = tuple(pod["metadata"]["uid"] for pod in pods)
        is_complete = len(uids) == REPLICAS
        if is_complete and uids != self.membership:
            self.membership, self.generation = uids, self.generation + 1
        members = [
            Member(incarnation=uid.replace("-", ""), worker=worker, local_rank=0, address=self.address, store_port=1)
            for worker, uid in enumerate(uids)
        ]
        step = 10 * self.generation
        return CoordinatorStatus(
            state="Training" if is_complete else "Waiting",
            generation=self.generation,
            desired=REPLICAS,
            joined=len(uids),
            members=members if is_complete else [],
            progress=Progress(
                generation=self.generation,
                step=step,
                steps=100,
                loss=3.0,
                learning_rate=0.001,
                gradient_norm=1.0,
                tokens=100 * step,
                tokens_per_second=100.0,
            ),
            first_loss=5.0,
            first_step_time=TIME,
            recoveries=[self.recovery(generation) for generation in range(1, self.generation)],
        )

    def recovery(self, generation: int) -> RecoveryRecord:
        """Return the record of the loss of a generation."""
        annotations = self.pods[self.coordinator]["metadata"]["annotations"] if self.coordinator in self.pods else {}
        return RecoveryRecord(
            term=int(annotations.get(TERM_ANNOTATION, "1")),
            generation=generation,
            method="pod",
            time=TIME,
            detect_seconds=0.1,
            rendezvous_seconds=0.1,
            restore_seconds=0.1,
            replay_seconds=0.1,
            replayed_steps=0,
        )

    async def children(self) -> list[str]:
        """Return the objects in the namespace that a job which has ended must not have: all but its claims and token."""
        paths = CHILDREN if self.job is None else CHILDREN[:-1]
        lists = [(path, await self.admin.items(path.format(self.namespace))) for path in paths]
        return [f"{path.rpartition('/')[2]}/{item['metadata']['name']}" for path, items in lists for item in items]

    async def claims(self) -> list[str]:
        """Return the names of the claims in the namespace."""
        return sorted(item["metadata"]["name"] for item in await self.admin.items(CLAIMS.format(self.namespace)))


def role_of(pod: Any) -> str:
    """Return the role of a pod."""
    return str(pod["metadata"].get("labels", {}).get(ROLE_LABEL, ""))
