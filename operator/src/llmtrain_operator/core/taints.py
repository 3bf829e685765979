"""Taints of nodes, and the tolerations that let pods run there."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from llmtrain_api.workers import Toleration
from llmtrain_operator.core.manifest import Manifest, items_at, strings_at, text_at

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""Label and taint of the nodes of the control plane."""
TRANSIENT_TAINT_PREFIX = "node.kubernetes.io/"
"""Prefix of the taints that Kubernetes itself sets while a node is cordoned or its kubelet does not report."""
EFFECTS = ("NoSchedule", "NoExecute")
"""Effects that keep pods away; PreferNoSchedule does not."""
MAX_TAINTS = 32
"""Taints that are kept of one node."""


class Taint(NamedTuple):
    """A taint that keeps pods away unless they tolerate it."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


Taints = tuple[Taint, ...]
"""Taints of a node, in order."""


@lru_cache(1024)
def shared_taints(taints: Taints) -> Taints:
    """Return one object for all nodes with these taints."""
    return taints


def taints_of(node: Manifest) -> Taints:
    """Return the permanent taints of a node. One of the control plane has that taint, even if its label alone says so."""
    found = {
        Taint(text_at(taint, "key")[:317], text_at(taint, "value")[:63], text_at(taint, "effect"))
        for taint in items_at(node, "spec", "taints")
        if text_at(taint, "effect") in EFFECTS and not text_at(taint, "key").startswith(TRANSIENT_TAINT_PREFIX)
    }
    if CONTROL_PLANE in strings_at(node, "metadata", "labels"):
        found.add(Taint(CONTROL_PLANE, "", "NoSchedule"))
    return shared_taints(tuple(sorted(found)[:MAX_TAINTS]))


def tolerates(tolerations: Iterable[Toleration], taint: Taint) -> bool:
    """Return whether one of the tolerations matches a taint."""
    return any(
        toleration.key == taint.key
        and toleration.effect in ("", taint.effect)
        and (toleration.operator == "Exists" or toleration.value == taint.value)
        for toleration in tolerations
    )


def untolerated(tolerations: Iterable[Toleration], taints: Taints) -> Taints:
    """Return the taints that none of the tolerations matches."""
    tolerations = tuple(tolerations)
    return tuple(taint for taint in taints if not tolerates(tolerations, taint))


def covers(allowed: Toleration, toleration: Toleration) -> bool:
    """Return whether every taint that a toleration matches is matched by `allowed` too."""
    return (
        allowed.key == toleration.key
        and allowed.effect in ("", toleration.effect)
        and (allowed.operator == "Exists" or (toleration.operator == "Equal" and allowed.value == toleration.value))
    )
