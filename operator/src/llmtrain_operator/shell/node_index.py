"""Nodes, the GPUs that pods hold on them, and the compute pools of LLMClusters, as running sums.

A change costs the same however many nodes there are. Only a scrape of the metrics walks all of them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from llmtrain_api.cluster import ComputePool
from llmtrain_operator.core.manifest import Manifest, text_at
from llmtrain_operator.core.node_view import NO_GPUS, NodeView, gpus_of
from llmtrain_operator.shell.pool_index import PoolIndex


class GpuPod(NamedTuple):
    """What is kept of a pod that holds GPUs."""

    node: str
    namespace: str
    gpus: int

    @classmethod
    def of(cls, pod: Manifest) -> "GpuPod | None":
        """Return what is kept of a pod; None if it holds no GPUs of a node."""
        node, gpus = text_at(pod, "spec", "nodeName"), gpus_of(pod)
        return cls(node, text_at(pod, "metadata", "namespace"), gpus) if node and gpus else None


class NodeIndex:
    """All nodes by name, with the GPUs that are allocated on them."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeView] = {}
        self.unready: set[str] = set()
        """Names of the nodes whose kubelets are not ready."""
        self.gpu_pods: dict[str, GpuPod] = {}
        """Pods that hold GPUs, by uid."""
        self.gpus_by_node: dict[str, dict[str, int]] = {}
        """GPUs that pods hold, by node and namespace."""
        self.pools: dict[str, PoolIndex] = {}
        """Compute pools, by LLMCluster."""
        self.offers = 0
        """How often nodes have changed in what they offer to jobs."""
        self.changes = 0
        """How often a view has changed."""
        self.collected: tuple[int, tuple[NodeView, ...]] = (0, ())
        """The number of changes when the views were collected last, and the views."""

    def views(self) -> tuple[NodeView, ...]:
        """Return all nodes, ordered by name. Metrics are scraped in another thread, so a change can come in between."""
        changes, (at, views) = self.changes, self.collected
        if at != changes:
            views = tuple(node for _, node in sorted(self.nodes.items()))
            self.collected = (changes, views)
        return views

    def put(self, node: Manifest) -> bool:
        """Index a node; return whether decisions can see the change, which a heartbeat's they cannot."""
        name = text_at(node, "metadata", "name")
        before = self.nodes.get(name)
        after = NodeView.of(node, self.gpus_by_node.get(name)).with_since(before, datetime.now(UTC))
        if before == after:
            return False
        self.replace(name, before, after)
        return True

    def remove(self, name: str) -> bool:
        """Remove a node; return whether it was known."""
        before = self.nodes.get(name)
        self.replace(name, before, None)
        return before is not None

    def replace(self, name: str, before: NodeView | None, after: NodeView | None) -> None:
        """Replace the view of a node, and correct the sums of each LLMCluster by the difference."""
        self.unready.discard(name)
        if after is None:
            self.nodes.pop(name, None)
        else:
            self.nodes[name] = after
            if not after.kubelet_ready:
                self.unready.add(name)
        self.changes += 1
        changed = [pools.replace(before, after) for pools in self.pools.values()]
        self.offers += any(changed)

    def set_pools(self, cluster: str, pools: tuple[ComputePool, ...] | None) -> None:
        """Set the compute pools of an LLMCluster, and count their nodes; None if it no longer exists."""
        if pools is None:
            self.pools.pop(cluster, None)
        elif cluster not in self.pools or pools != self.pools[cluster].pools:
            self.pools[cluster] = PoolIndex(pools, self.nodes.values())

    def set_pod(self, uid: str, pod: GpuPod | None) -> bool:
        """Set what a pod holds, None if it holds no GPUs; return whether that has changed."""
        before = self.gpu_pods.pop(uid, None)
        if pod is not None:
            self.gpu_pods[uid] = pod
        if before == pod:
            return False
        if before is not None:
            self.add_gpus(before, -before.gpus)
        if pod is not None:
            self.add_gpus(pod, pod.gpus)
        return True

    def add_gpus(self, pod: GpuPod, number: int) -> None:
        """Add to the GPUs that pods of a namespace hold on a node."""
        held = dict(self.gpus_by_node.get(pod.node, NO_GPUS))
        held[pod.namespace] = held.get(pod.namespace, 0) + number
        if not held[pod.namespace]:
            del held[pod.namespace]
        if held:
            self.gpus_by_node[pod.node] = held
        else:
            self.gpus_by_node.pop(pod.node, None)
        if (view := self.nodes.get(pod.node)) is not None:
            self.replace(pod.node, view, view.with_allocated(held or NO_GPUS))

    def gpus_on(self, node: str) -> Mapping[str, int]:
        """Return the GPUs that pods hold on a node, by namespace."""
        return self.gpus_by_node.get(node, NO_GPUS)
