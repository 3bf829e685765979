"""Rules of an LLMCluster: each as an error message, a CEL expression and a Python check.

The API server evaluates the CEL at `kubectl apply`. The contract tests run both on the same specs.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from llmtrain_api.cluster import ClusterSpec, ComputePool, StoragePool
from llmtrain_api.names import GROUP
from llmtrain_api.quantity import is_positive, whole_amount
from llmtrain_api.rule import positive_cel

RESOURCE_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?)?$"
EXTENDED_RESOURCE = (
    r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?|hugepages-[0-9]+[KMG]i)$"
)


@dataclass(frozen=True, kw_only=True)
class ClusterRule:
    """One rule of the items of a list."""

    path: str
    """The list, such as "spec.computePools"."""
    cel: str
    """CEL expression over an item; true if the rule holds. With `oldSelf` it is evaluated only when an item changes."""
    message: str
    """What is wrong, with the field and the remedy."""


@dataclass(frozen=True, kw_only=True)
class PoolRule(ClusterRule):
    """A rule of each compute pool."""

    violated: Callable[[ComputePool], bool]
    """Whether a pool violates the rule."""


@dataclass(frozen=True, kw_only=True)
class StorageRule(ClusterRule):
    """A rule of each storage pool."""

    violated: Callable[[StoragePool], bool]
    """Whether a pool violates the rule."""


@dataclass(frozen=True, kw_only=True)
class ChangeRule(ClusterRule):
    """A rule of each change of a storage pool."""

    violated: Callable[[StoragePool, StoragePool], bool]
    """Whether a change from the first to the second violates the rule."""


def names_rule(
    field: str, pattern: str, what: str, advice: str, names: Callable[[ComputePool], Iterable[str]]
) -> PoolRule:
    """Return the rule that the keys of the map `field` of a compute pool match a pattern."""
    holder, _, _ = field.rpartition(".")
    return PoolRule(
        path="spec.computePools",
        cel=f"!has(self.{holder}) || !has(self.{field}) || self.{field}.all(name, name.matches('{pattern}'))",
        message=f"spec.computePools[].{field} must have names of {what}; {advice}",
        violated=lambda pool: any(re.fullmatch(pattern, name) is None for name in names(pool)),
    )


POOL_RULES: tuple[PoolRule, ...] = (
    PoolRule(
        path="spec.computePools",
        cel="!has(self.maxNodes) || self.maxNodes >= self.nodes",
        message="spec.computePools[].maxNodes must not be less than nodes; raise maxNodes or lower nodes",
        violated=lambda pool: pool.max_nodes is not None and pool.max_nodes < pool.nodes,
    ),
    names_rule(
        "expect.allocatable",
        RESOURCE_NAME,
        "resources",
        "use names such as cpu, memory or rdma/hca",
        lambda pool: pool.expect.allocatable,
    ),
    names_rule(
        "fabric.resources",
        EXTENDED_RESOURCE,
        "extended resources or huge pages",
        "use names such as rdma/hca or hugepages-2Mi",
        lambda pool: pool.fabric.resources,
    ),
    PoolRule(
        path="spec.computePools",
        cel=f"!has(self.fabric) || !has(self.fabric.resources) || self.fabric.resources.all(k, {positive_cel('self.fabric.resources[k]')})",
        message="spec.computePools[].fabric.resources must have amounts greater than 0; raise them or remove the resource",
        violated=lambda pool: not all(map(is_positive, pool.fabric.resources.values())),
    ),
    PoolRule(
        path="spec.computePools",
        cel="!has(self.fabric) || !has(self.fabric.env) || self.fabric.env.all(e, !e.name.startsWith('LLMTRAIN_'))",
        message="spec.computePools[].fabric.env must not set variables with the reserved prefix LLMTRAIN_; choose another name",
        violated=lambda pool: any(variable.name.startswith("LLMTRAIN_") for variable in pool.fabric.env),
    ),
    PoolRule(
        path="spec.computePools",
        cel=f"!has(self.fabric) || !has(self.fabric.annotations) || self.fabric.annotations.all(key, !key.startsWith('{GROUP}/'))",
        message=f"spec.computePools[].fabric.annotations must not have the prefix {GROUP}/, which is the operator's; remove them",
        violated=lambda pool: any(key.startswith(f"{GROUP}/") for key in pool.fabric.annotations),
    ),
)

STORAGE_RULES: tuple[StorageRule, ...] = (
    StorageRule(
        path="spec.storagePools",
        cel=positive_cel("self.size"),
        message="spec.storagePools[].size must be greater than 0, because a claim of that size is refused; raise it",
        violated=lambda pool: not is_positive(pool.size),
    ),
)

CHANGE_RULES: tuple[ChangeRule, ...] = (
    ChangeRule(
        path="spec.storagePools",
        cel="quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",
        message="spec.storagePools[].size must not become smaller, because PersistentVolumeClaims cannot shrink; use the size as it was, or a larger one",
        violated=lambda before, after: (whole_amount(after.size) or 0) < (whole_amount(before.size) or 0),
    ),
    ChangeRule(
        path="spec.storagePools",
        cel="self.storageClassName == oldSelf.storageClassName && self.accessMode == oldSelf.accessMode",
        message="spec.storagePools[].storageClassName and accessMode must not change, because existing PersistentVolumeClaims keep theirs; use a storage pool with another name",
        violated=lambda before, after: (
            (before.storage_class_name, before.access_mode) != (after.storage_class_name, after.access_mode)
        ),
    ),
)


def pool_violations(spec: ClusterSpec) -> Iterable[str]:
    """Yield the message of each rule that a compute pool or a storage pool of a spec violates."""
    yield from (rule.message for pool in spec.compute_pools for rule in POOL_RULES if rule.violated(pool))
    yield from (rule.message for pool in spec.storage_pools for rule in STORAGE_RULES if rule.violated(pool))


def change_violations(before: ClusterSpec, after: ClusterSpec) -> Iterable[str]:
    """Yield the message of each rule that the change of a storage pool violates."""
    old = {pool.name: pool for pool in before.storage_pools}
    changes = ((old[pool.name], pool) for pool in after.storage_pools if pool.name in old)
    return (rule.message for change in changes for rule in CHANGE_RULES if rule.violated(*change))
