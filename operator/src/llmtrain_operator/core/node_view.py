"""A node, as decisions see it: whether pods can run there, whether it is lost, and its GPUs."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Self

from llmtrain_api.names import GPU_RESOURCE
from llmtrain_api.quantity import MAX_LENGTH as MAX_QUANTITY_LENGTH
from llmtrain_api.quantity import whole_amount
from llmtrain_api.timestamps import format_rfc3339, try_parse_rfc3339
from llmtrain_operator.core.manifest import (
    Manifest,
    conditions_of,
    items_at,
    strings_at,
    text_at,
    value_at,
)
from llmtrain_operator.core.pod_containers import ENDED
from llmtrain_operator.core.taints import Taints, taints_of

MAX_REASON_LENGTH = 512
"""Characters that are kept of the reason why a node is unusable."""
MAX_GPUS = 2**31 - 1
"""The most GPUs that are counted of one node or container, so that no sum exceeds the integers of JSON."""
HOSTNAME_LABEL = "kubernetes.io/hostname"
"""The label that no two nodes have in common."""
SHARED_PAIRS = 4096
"""Pairs of key and value that nodes may have in common at the same time."""
SHARED_AMOUNTS = 256
"""Sets of allocatable resources that nodes may have in common at the same time."""
MAX_RESOURCES = 32
"""Allocatable resources that are kept of one node."""
ALWAYS_KEPT = frozenset({GPU_RESOURCE, "cpu", "ephemeral-storage", "pods"})
"""Resources that are kept however many others a node has."""


@lru_cache(SHARED_PAIRS)
def shared_pair(key: str, value: str) -> tuple[str, str]:
    """Return one object for all nodes with this label."""
    return key, value


class Labels(Mapping[str, str]):
    """The labels or resources of a node, in a fraction of a dict's memory: what nodes have in common is stored once."""

    __slots__ = ("pairs",)

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.pairs = tuple(
            (HOSTNAME_LABEL, value) if key == HOSTNAME_LABEL else shared_pair(key, value)
            for key, value in sorted(labels.items())
        )

    def __getitem__(self, key: str) -> str:
        place = bisect_left(self.pairs, (key,))
        if place == len(self.pairs) or self.pairs[place][0] != key:
            raise KeyError(key)
        return self.pairs[place][1]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return self.pairs == other.pairs if isinstance(other, Labels) else super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


@lru_cache(SHARED_AMOUNTS)
def shared_amounts(amounts: tuple[tuple[str, str], ...]) -> Labels:
    """Return one object for all nodes with these allocatable resources."""
    return Labels(dict(amounts))


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeView:
    """One node. It is all that is kept of it, so it must stay small: clusters have ten thousand of them."""

    name: str
    labels: Mapping[str, str]
    ready: bool
    """Whether pods can run there now."""
    reason: str
    """Why pods cannot run there; empty if they can."""
    kubelet_ready: bool = True
    """Whether its kubelet reports it as ready. A cordoned node can be ready."""
    kubelet_since: str = ""
    """When `kubelet_ready` last changed, as RFC 3339, by the node's own condition; empty or anything if unknown."""
    taints: Taints = ()
    """Permanent taints, which keep pods without matching tolerations away."""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """Allocatable resources, as quantities, except memory: nodes of one kind share it."""
    memory: str = "0"
    """Allocatable memory, as a quantity. It differs from node to node."""
    gpus: int
    """Allocatable GPUs."""
    gpus_allocated: int
    """GPUs that its pods request."""
    gpus_capacity: int = 0
    """Installed GPUs, including unhealthy ones."""
    gpus_by_namespace: Mapping[str, int] = field(default_factory=dict)
    """GPUs that its pods request, by namespace of the pods."""

    @classmethod
    def of(cls, node: Manifest, gpus_by_namespace: Mapping[str, int] | None = None) -> Self:
        """Return the view of a node as the API server returned it, with the GPUs that its pods request."""
        labels = strings_at(node, "metadata", "labels")
        allocated = gpus_by_namespace or NO_GPUS
        reason = unusable_reason(node)
        return cls(
            name=text_at(node, "metadata", "name"),
            labels=Labels(labels),
            ready=not reason,
            reason=reason,
            kubelet_ready=is_ready(node),
            kubelet_since=kubelet_since(node),
            taints=taints_of(node),
            allocatable=shared_amounts(tuple(sorted(amounts_of(node).items()))),
            memory=text_at(node, "status", "allocatable", "memory")[:MAX_QUANTITY_LENGTH] or "0",
            gpus=gpus_in(node, "status", "allocatable"),
            gpus_allocated=sum(allocated.values()),
            gpus_capacity=gpus_in(node, "status", "capacity"),
            gpus_by_namespace=allocated,
        )

    def with_since(self, before: Self | None, now: datetime) -> Self:
        """Return the view with a time since when its kubelet is not ready, if its own is not before `now`.

        It is the time in the view `before`, or `now` if the node was ready then, or not known.
        """
        since = try_parse_rfc3339(self.kubelet_since)
        if self.kubelet_ready or (since is not None and since <= now):
            return self
        is_known = before is not None and not before.kubelet_ready
        return replace(self, kubelet_since=before.kubelet_since if before and is_known else format_rfc3339(now))

    def with_allocated(self, gpus_by_namespace: Mapping[str, int]) -> Self:
        """Return the view with other GPUs that its pods request."""
        return replace(self, gpus_allocated=sum(gpus_by_namespace.values()), gpus_by_namespace=gpus_by_namespace)


@dataclass(frozen=True, kw_only=True)
class NodeStates:
    """What is known of the nodes that a job's pods are bound to, and how many nodes of the cluster are not ready."""

    not_ready_since: Mapping[str, datetime] = field(default_factory=dict)
    """Nodes that are not ready, with the time of their condition's last transition."""
    absent: frozenset[str] = frozenset()
    """Nodes that do not exist: the API server answered a GET with 404."""
    unknown: frozenset[str] = frozenset()
    """Nodes that may be absent, or not ready for an unknown time: the API server has not answered yet."""
    known: int = 0
    """Nodes of the cluster."""
    not_ready: int = 0
    """Nodes of the cluster that are not ready."""

    @classmethod
    def of(cls, names: Iterable[str], nodes: Mapping[str, NodeView | None], *, known: int, not_ready: int) -> Self:
        """Return the states of the nodes `names`.

        `nodes` are those in the cache, and the API server's answers about others: None for a node that does not exist.
        """
        bound = frozenset(names)
        unready = {name: node for name in bound if (node := nodes.get(name)) is not None and not node.kubelet_ready}
        times = {name: try_parse_rfc3339(node.kubelet_since) for name, node in unready.items()}
        return cls(
            not_ready_since={name: time for name, time in times.items() if time is not None},
            absent=frozenset(name for name in bound if name in nodes and nodes[name] is None),
            unknown=(bound - nodes.keys()) | {name for name, time in times.items() if time is None},
            known=known,
            not_ready=not_ready,
        )


NO_GPUS: Mapping[str, int] = MappingProxyType({})
"""The GPUs by namespace of a node whose pods request none."""
MAX_TIME_LENGTH = 64
"""Characters of a time that are kept."""


def is_ready(node: Manifest) -> bool:
    """Return whether the kubelet of a node reports it as ready. A cordoned node can be ready."""
    return conditions_of(node).get("Ready", {}).get("status") == "True"


def kubelet_since(node: Manifest) -> str:
    """Return when the condition Ready of a node last changed; empty if the node does not say it.

    A node whose kubelet has never reported has no such condition; it has not been ready since it was created.
    """
    condition = conditions_of(node).get("Ready")
    if condition is None:
        return text_at(node, "metadata", "creationTimestamp")[:MAX_TIME_LENGTH]
    return text_at(condition, "lastTransitionTime")[:MAX_TIME_LENGTH]


def unusable_reason(node: Manifest) -> str:
    """Return why pods cannot run on a node; empty if they can."""
    if not is_ready(node):
        message = text_at(conditions_of(node).get("Ready"), "message") or "its kubelet does not report"
        return f"not ready: {message}"[:MAX_REASON_LENGTH]
    if value_at(node, "spec", "unschedulable"):
        return "cordoned; run `kubectl uncordon` to let pods run there"
    return ""


def amounts_of(node: Manifest) -> dict[str, str]:
    """Return the allocatable resources of a node except memory, without those that are no text of a quantity's length."""
    found = strings_at(node, "status", "allocatable").items()
    amounts = ((name, amount) for name, amount in found if name != "memory" and len(amount) <= MAX_QUANTITY_LENGTH)
    return dict(islice(sorted(amounts, key=lambda amount: amount[0] not in ALWAYS_KEPT), MAX_RESOURCES))


def gpus_of(pod: Manifest) -> int:
    """Return the GPUs that a pod occupies: the most that it needs at one time, as the scheduler counts.

    Init containers run one after the other, beside the sidecars (init containers that restart) started before them.
    """
    if text_at(pod, "status", "phase") in ENDED:
        return 0
    peak = sidecars = 0
    for container in items_at(pod, "spec", "initContainers"):
        peak = max(peak, sidecars + requested_gpus(container))
        if container.get("restartPolicy") == "Always":
            sidecars += requested_gpus(container)
    return max(peak, sidecars + sum(requested_gpus(container) for container in items_at(pod, "spec", "containers")))


def requested_gpus(container: Manifest) -> int:
    """Return the GPUs that a container requests."""
    return gpus_in(container, "resources", "requests")


def gpus_in(obj: Manifest, *path: str) -> int:
    """Return the GPUs in the resource list at a path of keys; 0 if the amount cannot be read."""
    return min(whole_amount(value_at(obj, *path, GPU_RESOURCE)) or 0, MAX_GPUS)
