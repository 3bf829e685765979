"""Every object seen, indexed for lookups. A change enqueues the keys that it affects.

The store decides nothing: `core` reads the objects, through the snapshots that `observe.py` makes of them.
"""

from collections import defaultdict
from collections.abc import Hashable
from typing import Literal, TypeVar

from llmtrain_api.names import JOB_KIND, JOB_LABEL
from llmtrain_operator.core.manifest import Manifest, ObjectKey, object_key
from llmtrain_operator.core.node_view import NodeView, gpus_of
from llmtrain_operator.shell.work_queue import Key, WorkQueue

Change = Literal["upsert", "delete"]
"""What happened to an object."""
JobKey = tuple[str, str]
"""Namespace and name of a job."""
K = TypeVar("K", bound=Hashable)

CLUSTER_DELAY_SECONDS = 0.5
"""How long changes of nodes, pods and claims are collected before the LLMClusters are reconciled."""


def trim_pod(pod: Manifest) -> Manifest:
    """Return a pod of a job unchanged, and of any other pod only what the inventory needs."""
    metadata, spec = pod["metadata"], pod.get("spec", {})
    if JOB_LABEL in (metadata.get("labels") or {}):
        return pod
    kept = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    trimmed: Manifest = {"nodeName": spec.get("nodeName", "")}
    for group in ("containers", "initContainers"):
        if spec.get(group):
            keys = ("resources", "restartPolicy")
            trimmed[group] = [{key: container[key] for key in keys if key in container} for container in spec[group]]
    return {"metadata": kept, "spec": trimmed, "status": {"phase": pod.get("status", {}).get("phase")}}


class Store:
    """Indexes of all objects that the operator watches."""

    def __init__(self, queue: WorkQueue) -> None:
        self.queue = queue
        self.jobs: dict[JobKey, Manifest] = {}
        self.clusters: dict[str, Manifest] = {}
        self.nodes: dict[str, Manifest] = {}
        self.pods: dict[str, Manifest] = {}
        """All pods, by uid."""
        self.gpu_pods_by_node: dict[str, dict[str, Manifest]] = defaultdict(dict)
        """Pods that occupy GPUs, by node and uid."""
        self.pods_of: dict[JobKey, dict[str, Manifest]] = defaultdict(dict)
        """Pods of a job, by name."""
        self.objects_of: dict[JobKey, dict[ObjectKey, Manifest]] = defaultdict(dict)
        """Other objects of a job."""
        self.claims: dict[str, dict[str, Manifest]] = defaultdict(dict)
        """PersistentVolumeClaims, by namespace and name."""
        self.absent_namespaces: set[str] = set()
        """Tenant namespaces that did not exist when a claim was created there."""

    def job_changed(self, change: Change, job: Manifest) -> None:
        """Index the newest version of a job."""
        key = (job["metadata"]["namespace"], job["metadata"]["name"])
        if change == "delete":
            if (known := self.jobs.get(key)) is not None and known["metadata"]["uid"] != job["metadata"]["uid"]:
                return  # a successor of the same name exists already
            self.jobs.pop(key, None)
            self.pods_of.pop(key, None)
            self.objects_of.pop(key, None)
        elif is_newer(job, self.jobs.get(key)):
            self.jobs[key] = job
            self.queue.add(Key("job", *key))

    def cluster_changed(self, change: Change, cluster: Manifest) -> None:
        """Index an LLMCluster; jobs that wait may be able to start now."""
        name = cluster["metadata"]["name"]
        if change == "delete":
            self.clusters.pop(name, None)
        elif is_newer(cluster, self.clusters.get(name)):
            self.clusters[name] = cluster
            self.queue.add(Key("cluster", "", name))
        self.enqueue_waiting()

    def pod_changed(self, change: Change, pod: Manifest) -> None:
        """Index a pod under its job; if it occupies GPUs, under its node too."""
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        before = self.pods.pop(uid, None)
        if before is not None:
            self.gpu_pods_by_node[node_of(before)].pop(uid, None)
        if change == "upsert":
            self.pods[uid] = pod
            if gpus_of(pod):
                self.gpu_pods_by_node[node_of(pod)][uid] = pod
        if (key := owner_of(pod)) is not None:
            update_index(self.pods_of[key], name, change, pod)
            self.queue.add(Key("job", *key))
        if gpus_of(pod) or (before is not None and gpus_of(before)):
            self.enqueue_clusters()

    def object_changed(self, change: Change, obj: Manifest) -> None:
        """Index another object of a job."""
        if (key := owner_of(obj)) is not None:
            update_index(self.objects_of[key], object_key(obj), change, obj)
            self.queue.add(Key("job", *key))

    def claim_changed(self, change: Change, claim: Manifest) -> None:
        """Index a claim; jobs that wait for it may be able to start now."""
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        update_index(self.claims[namespace], name, change, claim)
        self.enqueue_clusters()
        self.enqueue_waiting()

    def node_changed(self, change: Change, node: Manifest) -> None:
        """Index a node; a change that decisions cannot see, such as a heartbeat, enqueues nothing."""
        name = node["metadata"]["name"]
        before = self.nodes.get(name)
        update_index(self.nodes, name, change, node)
        if before is None or change == "delete" or NodeView.of(before) != NodeView.of(node):
            self.enqueue_clusters()
            self.enqueue_waiting()
            self.enqueue_jobs_on_node(name)

    def enqueue_clusters(self) -> None:
        """Enqueue all LLMClusters after a delay, because such changes come in bursts."""
        for name in self.clusters:
            self.queue.add_after(Key("cluster", "", name), CLUSTER_DELAY_SECONDS)

    def enqueue_waiting(self) -> None:
        """Enqueue every job that has not started or waits to be admitted."""
        for key, job in self.jobs.items():
            if (job.get("status") or {}).get("stage", "") in ("", "Waiting"):
                self.queue.add(Key("job", *key))

    def enqueue_jobs_on_node(self, node: str) -> None:
        """Enqueue every job that has a pod on a node."""
        for key, pods in self.pods_of.items():
            if any(node_of(pod) == node for pod in pods.values()):
                self.queue.add(Key("job", *key))

    def gpu_pods(self, node: str) -> tuple[Manifest, ...]:
        """Return the pods that occupy GPUs of a node: a copy, as metrics are scraped in another thread."""
        return tuple(self.gpu_pods_by_node.get(node, {}).values())


def owner_of(obj: Manifest) -> JobKey | None:
    """Return the job that an object belongs to, by its label or else by its owner."""
    name = (obj["metadata"].get("labels") or {}).get(JOB_LABEL)
    owners = obj["metadata"].get("ownerReferences") or ()
    name = name or next((owner["name"] for owner in owners if owner.get("kind") == JOB_KIND), None)
    return (obj["metadata"]["namespace"], name) if name else None


def node_of(pod: Manifest) -> str:
    """Return the node that a pod is bound to; empty if it has none yet."""
    return str(pod["spec"].get("nodeName", ""))


def update_index(index: dict[K, Manifest], key: K, change: Change, obj: Manifest) -> None:
    """Update or delete one entry; only the object with the same uid is deleted, never its successor."""
    if change == "upsert":
        index[key] = obj
    elif key in index and index[key]["metadata"]["uid"] == obj["metadata"]["uid"]:
        del index[key]


def is_newer(obj: Manifest, known: Manifest | None) -> bool:
    """Return whether `obj` is not older than the known version: watch events can arrive late."""
    if known is None or known["metadata"]["uid"] != obj["metadata"]["uid"]:
        return True
    return int(obj["metadata"]["resourceVersion"]) >= int(known["metadata"]["resourceVersion"])
