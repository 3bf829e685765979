"""Every object seen, indexed for lookups. A change that decisions can see enqueues the keys that it affects.

Watch events and the answers to the operator's own writes enter by the same methods, in any order: an older version never
replaces a newer one, and a deleted object does not return. No object can raise, whatever its fields contain. The store
decides nothing: `core` reads the objects, through the snapshots that `observe.py` makes of them.
"""

import asyncio
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from typing import Literal

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_api.workers import Workers
from llmtrain_operator.core.manifest import Manifest, ObjectKey, object_key, text_at
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.pools import Capacity, Inventory
from llmtrain_operator.shell.job_reader import JobReader
from llmtrain_operator.shell.jobs_on_nodes import JobsOnNodes
from llmtrain_operator.shell.key_index import KeyIndex
from llmtrain_operator.shell.namespace_index import NamespaceIndex, Quota
from llmtrain_operator.shell.node_index import GpuPod, NodeIndex
from llmtrain_operator.shell.object_index import ObjectIndex, Tombstones, is_newer, is_older, uid_of
from llmtrain_operator.shell.placed_jobs import PlacedJob, PlacedJobs
from llmtrain_operator.shell.pod_views import PodViews
from llmtrain_operator.shell.relevance import (
    JobKey,
    awaited_jobs,
    compute_pools,
    content,
    is_finished,
    is_suspended,
    is_waiting,
    owner_of,
    result_of,
    trigger,
    trim_pod,
)
from llmtrain_operator.shell.retry_turns import RetryTurns
from llmtrain_operator.shell.source_jobs import successors_of
from llmtrain_operator.shell.work_queue import Key, WorkQueue

__all__ = ["BURST_SECONDS", "Change", "JobKey", "Store", "is_newer", "owner_of", "trim_pod"]

Change = Literal["upsert", "delete"]
"""What happened to an object."""

BURST_SECONDS = 0.5
"""How long changes of nodes and claims are collected before what depends on all of them is reconciled."""
COUNTS_SECONDS = 5.0
"""How long changes of the GPUs that pods hold are collected: they only change counts in the status of LLMClusters."""


class Store:
    """Indexes of all objects that the operator watches."""

    def __init__(self, queue: WorkQueue) -> None:
        self.queue = queue
        self.jobs: dict[JobKey, Manifest] = {}
        self.clusters: dict[str, Manifest] = {}
        self.job_reader = JobReader()
        self.tombstones = Tombstones()
        self.node_index = NodeIndex()
        self.pods: ObjectIndex[JobKey, str] = ObjectIndex(self.tombstones)
        self.pod_views = PodViews()
        self.objects: ObjectIndex[JobKey, ObjectKey] = ObjectIndex(self.tombstones)
        self.all_claims: ObjectIndex[str, str] = ObjectIndex(self.tombstones)
        self.placed_jobs = PlacedJobs()
        self.namespace_index = NamespaceIndex()
        self.waiting: KeyIndex[str] = KeyIndex()
        """Jobs that have not started, or wait to be admitted, by namespace."""
        self.successors: KeyIndex[JobKey] = KeyIndex()
        """Jobs that start from the model of another job and have not started, by that one. Those that are suspended count, because
        others may wait for it through them.
        """
        self.refused: KeyIndex[str] = KeyIndex()
        """Jobs and LLMClusters with a request that was refused, by the namespace of the object."""
        self.turns = RetryTurns()
        self.jobs_on_nodes = JobsOnNodes()
        self.burst: asyncio.TimerHandle | None = None

    @property
    def pods_of(self) -> Mapping[JobKey, dict[str, Manifest]]:
        """Pods of a job, by name."""
        return self.pods.groups

    @property
    def objects_of(self) -> Mapping[JobKey, dict[ObjectKey, Manifest]]:
        """Other objects of a job."""
        return self.objects.groups

    @property
    def claims(self) -> Mapping[str, dict[str, Manifest]]:
        """PersistentVolumeClaims, by namespace and name."""
        return self.all_claims.groups

    @property
    def nodes(self) -> Mapping[str, NodeView]:
        """Nodes, by name."""
        return self.node_index.nodes

    @property
    def unready_nodes(self) -> Set[str]:
        """Names of the nodes whose kubelets are not ready."""
        return self.node_index.unready

    def capacities(self, cluster: str, workers: Workers) -> Mapping[str, Capacity]:
        """Return the capacity of each compute pool of an LLMCluster for pods of these workers; none if it does not exist.

        GPUs that jobs have requested are allocated, even if their pods are not scheduled yet.
        """
        pools = self.node_index.pools.get(cluster)
        found = pools.capacities(workers) if pools else {}
        requested = {pool: self.placed_jobs.requested(cluster, pool) for pool in found}
        return {
            pool: replace(capacity, gpus_allocated=max(capacity.gpus_allocated, requested[pool]))
            for pool, capacity in found.items()
        }

    def inventory(self, cluster: str) -> Inventory:
        """Return the nodes of an LLMCluster."""
        pools = self.node_index.pools.get(cluster)
        return pools.inventory() if pools else Inventory()

    def handler(self, kind: str) -> Callable[[Change, Manifest], None]:
        """Return the method that takes the changes of objects of a kind that the operator writes."""
        return {
            JOB_KIND: self.job_changed,
            CLUSTER_KIND: self.cluster_changed,
            "Pod": self.pod_changed,
            "PersistentVolumeClaim": self.claim_changed,
        }.get(kind, self.object_changed)

    def find(self, kind: str, key: JobKey, uid: str) -> Manifest | None:
        """Return a job, or an object that belongs to one, by its uid; a job also needs its namespace and name."""
        if kind == JOB_KIND:
            job = self.jobs.get(key)
            return job if job is not None and uid_of(job) == uid else None
        found = (self.pods if kind == "Pod" else self.objects).find(uid)
        return found[1] if found else None

    def job_changed(self, change: Change, job: Manifest) -> None:
        """Index a job; it is enqueued if someone else changed what decisions read.

        While a job is processed, a change of nothing but its status is taken for the operator's own: if it is another's,
        the own write fails with a conflict, or its answer is older than what is known.
        """
        key = (text_at(job, "metadata", "namespace"), text_at(job, "metadata", "name"))
        known, queue_key = self.jobs.get(key), Key("job", *key)
        if change == "delete":
            self.tombstones.add(job)
            if known is not None and uid_of(known) == uid_of(job):
                del self.jobs[key]
                self.waiting.set(queue_key, ())
                self.successors.set(queue_key, ())
                self.placed_jobs.put(key, None)
        elif self.accepts(job, known):
            self.jobs[key] = job
            self.placed_jobs.put(key, PlacedJob.of(job))
            self.waiting.set(queue_key, {key[0]} if is_waiting(job) else ())
            self.successors.set(queue_key, awaited_jobs(job) if is_waiting(job) or is_suspended(job) else ())
            if self.is_news(queue_key, job, known):
                self.queue.add(queue_key, low_priority=known is None and is_finished(job))
        elif is_older(job, known) and queue_key in self.queue.processing:
            self.queue.add(queue_key)
        if result_of(known) != result_of(self.jobs.get(key)):
            for successor in successors_of(self.successors, key):
                self.queue.add(successor)

    def cluster_changed(self, change: Change, cluster: Manifest) -> None:
        """Index an LLMCluster; jobs that wait may be able to start now, unless only its status changed."""
        name = text_at(cluster, "metadata", "name")
        known, queue_key = self.clusters.get(name), Key("cluster", "", name)
        if change == "delete":
            self.tombstones.add(cluster)
            if known is not None and uid_of(known) == uid_of(cluster):
                del self.clusters[name]
                self.node_index.set_pools(name, None)
                self.enqueue_waiting()
        elif self.accepts(cluster, known):
            self.clusters[name] = cluster
            if self.is_news(queue_key, cluster, known):
                self.queue.add(queue_key)
            if known is None or trigger(cluster) != trigger(known):
                self.node_index.set_pools(name, compute_pools(cluster))
                self.enqueue_waiting()
        elif is_older(cluster, known) and queue_key in self.queue.processing:
            self.queue.add(queue_key)

    def pod_changed(self, change: Change, pod: Manifest) -> None:
        """Index a pod under its job, and the GPUs that it holds under its node."""
        uid, owner = uid_of(pod), owner_of(pod)
        before = self.pods.find(uid)
        if change == "delete":
            self.tombstones.add(pod)
        elif owner is not None and not self.pods.put(owner, text_at(pod, "metadata", "name"), pod):
            return
        if change == "delete" or owner is None:
            self.pods.remove(uid)
            self.pod_views.discard(uid)
        after = self.pods.find(uid)
        if not (before and after and before[0] == after[0] and self.pod_views.alike(before[1], after[1])):
            for found in (before, after):
                if found:
                    self.queue.add(Key("job", *found[0]))
        self.jobs_on_nodes.move(uid, before, after)
        if self.node_index.set_pod(uid, GpuPod.of(pod) if change == "upsert" else None):
            self.enqueue_clusters(COUNTS_SECONDS)

    def object_changed(self, change: Change, obj: Manifest) -> None:
        """Index another object of a job."""
        uid, owner = uid_of(obj), owner_of(obj)
        before = self.objects.find(uid)
        if change == "delete":
            self.tombstones.add(obj)
        elif owner is not None and not self.objects.put(owner, object_key(obj), obj):
            return
        if change == "delete" or owner is None:
            self.objects.remove(uid)
        after = self.objects.find(uid)
        for found in (before, after):
            if found and not (before and after and before[0] == after[0] and content(before[1]) == content(after[1])):
                self.queue.add(Key("job", *found[0]))

    def claim_changed(self, change: Change, claim: Manifest) -> None:
        """Index a claim; jobs of its namespace that wait for it may be able to start now."""
        uid, namespace = uid_of(claim), text_at(claim, "metadata", "namespace")
        before = self.all_claims.find(uid)
        if change == "delete":
            self.tombstones.add(claim)
            self.all_claims.remove(uid)
        elif not self.all_claims.put(namespace, text_at(claim, "metadata", "name"), claim):
            return
        after = self.all_claims.find(uid)
        if (before is None) != (after is None) or (before and after and content(before[1]) != content(after[1])):
            self.enqueue_clusters()
            self.enqueue_waiting(namespace)

    def node_changed(self, change: Change, node: Manifest) -> None:
        """Index a node; a change that decisions cannot see, such as a heartbeat, enqueues nothing."""
        name = text_at(node, "metadata", "name")
        offers = self.node_index.offers
        if self.node_index.put(node) if change == "upsert" else self.node_index.remove(name):
            self.enqueue_clusters()
            for key in self.jobs_on_nodes.of(name):
                self.queue.add(Key("job", *key))
        if offers != self.node_index.offers and self.burst is None:
            self.burst = asyncio.get_running_loop().call_later(BURST_SECONDS, self.end_burst)

    def namespace_changed(self, change: Change, namespace: Manifest) -> None:
        """Index a namespace; what was refused in it may be accepted now."""
        name, index = text_at(namespace, "metadata", "name"), self.namespace_index
        if index.put(namespace) if change == "upsert" else index.remove(name):
            self.enqueue_refused(name)

    def quota_changed(self, change: Change, quota: Manifest) -> None:
        """Index a ResourceQuota; what was refused in its namespace may be accepted once it leaves more room."""
        if self.namespace_index.put_quota(uid_of(quota), Quota.of(quota) if change == "upsert" else None):
            self.give_turns(text_at(quota, "metadata", "namespace"))

    def enqueue_refused(self, namespace: str) -> None:
        """Enqueue what has a refused request in a namespace."""
        for key in self.refused.of(namespace):
            self.queue.add(key)

    def give_turns(self, namespace: str) -> None:
        """Enqueue some of what has a refused request in a namespace that may have room again: of the jobs a few, by age."""
        refused = self.refused.of(namespace)
        jobs = sorted((key for key in refused if key.kind == "job"), key=self.age_of)
        for key in (*(key for key in refused if key.kind == "cluster"), *self.turns.grant(jobs)):
            self.queue.add(key)

    def age_of(self, key: Key) -> tuple[str, Key]:
        """Return what jobs are sorted by, oldest first."""
        return text_at(self.jobs.get((key.namespace, key.name), {}), "metadata", "creationTimestamp"), key

    def end_burst(self) -> None:
        """Enqueue the jobs that wait for nodes, once for many nodes that changed."""
        self.burst = None
        self.enqueue_waiting()

    def enqueue_clusters(self, seconds: float = BURST_SECONDS) -> None:
        """Enqueue all LLMClusters after a delay, because such changes come in bursts."""
        for name in self.clusters:
            self.queue.add_after(Key("cluster", "", name), seconds)

    def enqueue_waiting(self, namespace: str | None = None) -> None:
        """Enqueue every job that has not started or waits to be admitted, of one namespace or of all."""
        for key in self.waiting.all() if namespace is None else self.waiting.of(namespace):
            self.queue.add(key)

    def accepts(self, obj: Manifest, known: Manifest | None) -> bool:
        """Return whether `obj` is newer than what is known, and not deleted since."""
        return is_newer(obj, known) and not self.tombstones.cover(obj)

    def is_news(self, key: Key, obj: Manifest, known: Manifest | None) -> bool:
        """Return whether a new version must be reconciled: it is new, its trigger differs, or another wrote its status."""
        if known is None or uid_of(known) != uid_of(obj) or trigger(known) != trigger(obj):
            return True
        return known.get("status") != obj.get("status") and key not in self.queue.processing
