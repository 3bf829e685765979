"""A node, as decisions see it: whether pods can run there, whether it is lost, and its GPUs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from llmtrain_api.cluster import ComputePool
from llmtrain_api.names import GPU_RESOURCE
from llmtrain_operator.core.manifest import Manifest

CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
TRANSIENT_TAINT_PREFIX = "node.kubernetes.io/"
"""Prefix of the taints that Kubernetes itself sets while a node is cordoned or its kubelet does not report."""


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """One node."""

    name: str
    labels: dict[str, str]
    ready: bool
    """Whether pods can run there now."""
    reason: str
    """Why pods cannot run there; empty if they can."""
    schedulable_by_default: bool
    """Whether pods without special tolerations can run there."""
    gpus: int
    """Allocatable GPUs."""
    gpus_allocated: int
    """GPUs that its pods request."""
    gpus_capacity: int = 0
    """Installed GPUs, including unhealthy ones."""
    gpus_by_namespace: Mapping[str, int] = field(default_factory=dict)
    """GPUs that its pods request, by namespace of the pods."""

    @classmethod
    def of(cls, node: Manifest, gpu_pods: Iterable[Manifest] = ()) -> Self:
        """Return the view of a node as the API server returned it, with the pods there that request GPUs."""
        metadata, status = node["metadata"], node.get("status", {})
        labels = dict(metadata.get("labels") or {})
        allocated: dict[str, int] = defaultdict(int)
        for pod in gpu_pods:
            allocated[pod["metadata"]["namespace"]] += gpus_of(pod)
        reason = unusable_reason(node)
        return cls(
            name=metadata["name"],
            labels=labels,
            ready=not reason,
            reason=reason,
            schedulable_by_default=CONTROL_PLANE_LABEL not in labels and not repels_pods(node),
            gpus=int(status.get("allocatable", {}).get(GPU_RESOURCE, 0)),
            gpus_allocated=sum(allocated.values()),
            gpus_capacity=int(status.get("capacity", {}).get(GPU_RESOURCE, 0)),
            gpus_by_namespace=dict(allocated),
        )


def ready_condition(node: Manifest) -> dict[str, Any]:
    """Return the condition Ready of a node; empty if it has none."""
    conditions = node.get("status", {}).get("conditions") or ()
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def is_ready(node: Manifest) -> bool:
    """Return whether the kubelet of a node reports it as ready. A cordoned node can be ready."""
    return ready_condition(node).get("status") == "True"


def lost_nodes(names: Iterable[str], nodes: Mapping[str, Manifest]) -> frozenset[str]:
    """Return the lost nodes among `names`: those that are not ready or do not exist."""
    return frozenset(name for name in names if name not in nodes or not is_ready(nodes[name]))


def unusable_reason(node: Manifest) -> str:
    """Return why pods cannot run on a node; empty if they can."""
    if not is_ready(node):
        return f"not ready: {ready_condition(node).get('message') or 'its kubelet does not report'}"
    if node.get("spec", {}).get("unschedulable"):
        return "cordoned; run `kubectl uncordon` to let pods run there"
    return ""


def repels_pods(node: Manifest) -> bool:
    """Return whether a permanent taint keeps pods without a toleration away."""
    taints = node.get("spec", {}).get("taints") or ()
    permanent = (taint for taint in taints if not taint["key"].startswith(TRANSIENT_TAINT_PREFIX))
    return any(taint["effect"] != "PreferNoSchedule" for taint in permanent)


def gpus_of(pod: Manifest) -> int:
    """Return the GPUs that a pod occupies: the most that it needs at one time, as the scheduler counts.

    Init containers run one after the other, beside the sidecars (init containers that restart) started before them.
    """
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    peak = sidecars = 0
    for container in pod["spec"].get("initContainers") or ():
        peak = max(peak, sidecars + requested_gpus(container))
        if container.get("restartPolicy") == "Always":
            sidecars += requested_gpus(container)
    containers = pod["spec"].get("containers") or ()
    return max(peak, sidecars + sum(requested_gpus(container) for container in containers))


def requested_gpus(container: Manifest) -> int:
    """Return the GPUs that a container requests."""
    return int((container.get("resources", {}).get("requests") or {}).get(GPU_RESOURCE, 0))


def nodes_of(pool: ComputePool, nodes: tuple[NodeView, ...]) -> tuple[NodeView, ...]:
    """Return the nodes of a pool: those with its labels, or without a selector all that accept ordinary pods."""
    if not pool.node_selector:
        return tuple(node for node in nodes if node.schedulable_by_default)
    selector = pool.node_selector.items()
    return tuple(node for node in nodes if selector <= node.labels.items())


def ready_nodes(pools: list[ComputePool], nodes: tuple[NodeView, ...]) -> tuple[NodeView, ...]:
    """Return the ready nodes of all pools; a node of two pools is returned once."""
    found = {node.name: node for pool in pools for node in nodes_of(pool, nodes) if node.ready}
    return tuple(found.values())


def gpus_capacity(pools: list[ComputePool], nodes: tuple[NodeView, ...]) -> int:
    """Return the allocatable GPUs of the ready nodes of all pools."""
    return sum(node.gpus for node in ready_nodes(pools, nodes))
