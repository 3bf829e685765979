"""Everything seen, by what it is looked up with; what changes puts keys into the queue."""

from collections import defaultdict
from typing import Any

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import CLUSTER_LABEL, GPU_RESOURCE, JOB_LABEL
from llmtrain_api.quantity import parse_quantity
from llmtrain_api.timestamps import parse_rfc3339
from llmtrain_operator.core.fleet_metrics import Claim, FleetSnapshot, JobSample
from llmtrain_operator.core.snapshot import NodeView
from llmtrain_operator.shell.work_queue import Key, WorkQueue

Manifest = dict[str, Any]
JobKey = tuple[str, str]

FINISHED = ("Succeeded", "Failed")
PASSING_TAINTS = "node.kubernetes.io/"
"""How the taints begin that Kubernetes sets itself while a node is cordoned or its kubelet is silent."""


def trim_pod(pod: Manifest) -> Manifest:
    """Return a job's pod whole, and of any other only what inventories need."""
    metadata, spec = pod["metadata"], pod.get("spec", {})
    if JOB_LABEL in (metadata.get("labels") or {}):
        return pod
    kept = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    slim: Manifest = {"nodeName": spec.get("nodeName", "")}
    for group in ("containers", "initContainers"):
        if spec.get(group):
            wanted = ("resources", "restartPolicy")
            slim[group] = [{key: one[key] for key in wanted if key in one} for one in spec[group]]
    return {"metadata": kept, "spec": slim, "status": {"phase": pod.get("status", {}).get("phase")}}


def gpus_of(pod: Manifest) -> int:
    """Return the GPUs that a pod holds: as many as it needs at once at most, as the scheduler counts.

    Its init containers run one after the other, beside those before them that restart: these stay, as sidecars.
    """
    if pod.get("status", {}).get("phase") in FINISHED:
        return 0
    most = sidecars = 0
    for container in pod["spec"].get("initContainers") or ():
        most = max(most, sidecars + requested(container))
        if container.get("restartPolicy") == "Always":
            sidecars += requested(container)
    return max(most, sidecars + sum(requested(container) for container in pod["spec"].get("containers") or ()))


def requested(container: Manifest) -> int:
    """Return the GPUs that a container asks for."""
    return int((container.get("resources", {}).get("requests") or {}).get(GPU_RESOURCE, 0))


class Store:
    """All objects the operator knows."""

    def __init__(self, queue: WorkQueue) -> None:
        self.queue = queue
        self.jobs: dict[JobKey, Manifest] = {}
        self.clusters: dict[str, Manifest] = {}
        self.nodes: dict[str, Manifest] = {}
        self.pods: dict[str, Manifest] = {}
        self.gpu_pods_by_node: dict[str, dict[str, Manifest]] = defaultdict(dict)
        """Pods that hold GPUs, by node and uid: a scrape counts them, from another thread."""
        self.pods_of: dict[JobKey, dict[str, Manifest]] = defaultdict(dict)
        self.objects_of: dict[JobKey, dict[tuple[str, str], Manifest]] = defaultdict(dict)
        self.claims: dict[str, dict[str, Manifest]] = defaultdict(dict)
        self.absent_namespaces: set[str] = set()
        """Tenant namespaces that were missing when a claim was to be made."""

    def job_changed(self, change: str, job: Manifest) -> None:
        """Keep the newest version of a job."""
        key = (job["metadata"]["namespace"], job["metadata"]["name"])
        if change == "drop":
            if (known := self.jobs.get(key)) is not None and known["metadata"]["uid"] != job["metadata"]["uid"]:
                return  # a namesake is there already
            self.jobs.pop(key, None)
            self.pods_of.pop(key, None)
            self.objects_of.pop(key, None)
        elif is_newer(job, self.jobs.get(key)):
            self.jobs[key] = job
            self.queue.add(Key("job", *key))

    def cluster_changed(self, change: str, cluster: Manifest) -> None:
        """Keep an LLMCluster; jobs that wait may go on now."""
        name = cluster["metadata"]["name"]
        if change == "drop":
            self.clusters.pop(name, None)
        elif is_newer(cluster, self.clusters.get(name)):
            self.clusters[name] = cluster
            self.queue.add(Key("cluster", "", name))
        self.enqueue_waiting()

    def pod_changed(self, change: str, pod: Manifest) -> None:
        """Keep a pod under its job; GPUs held elsewhere matter to inventories only."""
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        before = self.pods.pop(uid, None)
        if before is not None:
            self.gpu_pods_by_node[node_of(before)].pop(uid, None)
        if change == "put":
            self.pods[uid] = pod
            if gpus_of(pod):
                self.gpu_pods_by_node[node_of(pod)][uid] = pod
        if (key := self.owner(pod)) is not None:
            update_index(self.pods_of[key], name, change, pod)
            self.queue.add(Key("job", *key))
        if gpus_of(pod) or (before is not None and gpus_of(before)):
            self.enqueue_clusters()

    def object_changed(self, change: str, thing: Manifest) -> None:
        """Keep another child of a job."""
        if (key := self.owner(thing)) is not None:
            update_index(self.objects_of[key], (thing["kind"], thing["metadata"]["name"]), change, thing)
            self.queue.add(Key("job", *key))

    def claim_changed(self, change: str, claim: Manifest) -> None:
        """Keep a claim; jobs that wait for it may go on now."""
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        update_index(self.claims[namespace], name, change, claim)
        self.enqueue_clusters()
        self.enqueue_waiting()

    def node_changed(self, change: str, node: Manifest) -> None:
        """Keep a node, if anything of interest differs."""
        name = node["metadata"]["name"]
        before = self.nodes.get(name)
        update_index(self.nodes, name, change, node)
        if before is None or change == "drop" or self.node_view(before) != self.node_view(node):
            self.enqueue_clusters()
            self.enqueue_waiting()
            self.enqueue_jobs_on_node(name)

    def owner(self, thing: Manifest) -> JobKey | None:
        """Return the job that an object is labelled with."""
        name = (thing["metadata"].get("labels") or {}).get(JOB_LABEL)
        owners = thing["metadata"].get("ownerReferences") or ()
        name = name or next((owner["name"] for owner in owners if owner.get("kind") == "LLMTrainingJob"), None)
        return (thing["metadata"]["namespace"], name) if name else None

    def enqueue_clusters(self) -> None:
        """Have all LLMClusters reconciled soon, not at once: such changes come in crowds."""
        for name in self.clusters:
            self.queue.add_after(Key("cluster", "", name), 0.5)

    def enqueue_waiting(self) -> None:
        """Have every job reconciled that has not begun or has no room."""
        for key, job in self.jobs.items():
            if (job.get("status") or {}).get("stage", "") in ("", "Waiting"):
                self.queue.add(Key("job", *key))

    def enqueue_jobs_on_node(self, node: str) -> None:
        """Have every job reconciled that has a pod on a node."""
        for key, pods in self.pods_of.items():
            if any(pod["spec"].get("nodeName") == node for pod in pods.values()):
                self.queue.add(Key("job", *key))

    def lost_nodes(self, names: set[str]) -> frozenset[str]:
        """Return which of some nodes are not ready, or not there."""
        return frozenset(name for name in names if name not in self.nodes or not is_ready(self.nodes[name]))

    def node_views(self) -> tuple[NodeView, ...]:
        """Return all nodes as inventories need them."""
        return tuple(self.node_view(node) for _, node in sorted(self.nodes.items()))

    def node_view(self, node: Manifest) -> NodeView:
        """Return one node as inventories need it."""
        metadata, spec, status = node["metadata"], node.get("spec", {}), node.get("status", {})
        conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
        ready = conditions.get("Ready", {})
        reason = (
            "" if ready.get("status") == "True" else f"not ready: {ready.get('message') or 'its kubelet is silent'}"
        )
        reason = reason or ("cordoned; `kubectl uncordon` lets pods run there" if spec.get("unschedulable") else "")
        lasting = (taint for taint in spec.get("taints") or () if not taint["key"].startswith(PASSING_TAINTS))
        effects = {taint["effect"] for taint in lasting}
        name = metadata["name"]
        held: dict[str, int] = defaultdict(int)
        for pod in tuple(self.gpu_pods_by_node.get(name, {}).values()):
            held[pod["metadata"]["namespace"]] += gpus_of(pod)
        return NodeView(
            name=name,
            labels=dict(metadata.get("labels") or {}),
            ready=not reason,
            reason=reason,
            schedulable_by_default=(
                "node-role.kubernetes.io/control-plane" not in (metadata.get("labels") or {})
                and not effects - {"PreferNoSchedule"}
            ),
            gpus=int(status.get("allocatable", {}).get(GPU_RESOURCE, 0)),
            gpus_allocated=sum(held.values()),
            gpus_capacity=int(status.get("capacity", {}).get(GPU_RESOURCE, 0)),
            gpus_by_namespace=dict(held),
        )

    def census(self) -> FleetSnapshot:
        """Return what the cluster's metrics are read off."""
        return FleetSnapshot(
            jobs=tuple(
                JobSample(
                    namespace=namespace,
                    name=name,
                    created=parse_rfc3339(job["metadata"]["creationTimestamp"]),
                    status=JobStatus.model_validate(job.get("status") or {}),
                )
                for (namespace, name), job in sorted(self.jobs.items())
            ),
            clusters={
                name: ClusterSpec.model_validate(cluster.get("spec") or {})
                for name, cluster in sorted(self.clusters.items())
            },
            nodes=self.node_views(),
            claims=tuple(
                claim_of(claim)
                for _, claims in sorted(self.claims.items())
                for _, claim in sorted(claims.items())
                if CLUSTER_LABEL in (claim["metadata"].get("labels") or {})
            ),
        )


def claim_of(claim: Manifest) -> Claim:
    """Return a storage pool's claim, as far as metrics need it."""
    metadata, status = claim["metadata"], claim.get("status", {})
    return Claim(
        namespace=metadata["namespace"],
        cluster=metadata["labels"][CLUSTER_LABEL],
        pool=metadata["name"],
        phase=status.get("phase", "Pending"),
        size_bytes=int(parse_quantity((status.get("capacity") or {}).get("storage", "0"))),
    )


def node_of(pod: Manifest) -> str:
    """Return the node that a pod is bound to; empty if there is none yet."""
    return str(pod["spec"].get("nodeName", ""))


def is_ready(node: Manifest) -> bool:
    """Return whether a node's kubelet says that it is ready, and is heard."""
    conditions = node.get("status", {}).get("conditions") or ()
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def update_index(things: dict[Any, Manifest], key: Any, change: str, thing: Manifest) -> None:
    """Put or drop `thing`; a drop means only the incarnation that it names."""
    if change == "put":
        things[key] = thing
    elif key in things and things[key]["metadata"]["uid"] == thing["metadata"]["uid"]:
        del things[key]


def is_newer(thing: Manifest, than: Manifest | None) -> bool:
    """Return whether `thing` is not older than what is known: events may come late."""
    if than is None or than["metadata"]["uid"] != thing["metadata"]["uid"]:
        return True
    return int(thing["metadata"]["resourceVersion"]) >= int(than["metadata"]["resourceVersion"])
