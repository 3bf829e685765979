"""Cross-field rules about what the pods of a job need: variables, mounts, labels, resources and users."""

import re
from collections.abc import Callable, Iterable

from llmtrain_api.job import JobSpec
from llmtrain_api.model import Model
from llmtrain_api.names import GPU_RESOURCE, GROUP, MANAGED_BY_LABEL, RUN_CONFIG_DIRECTORY, VOLUMES_DIRECTORY
from llmtrain_api.pods import SecurityContext
from llmtrain_api.quantity import is_positive, parse_quantity
from llmtrain_api.rule import Rule, positive_cel
from llmtrain_api.workers import Workers

ENVIRONMENT_PREFIX = "LLMTRAIN_"
RESERVED_PATHS = (
    "/tmp",
    "/dev",
    "/proc",
    "/sys",
    "/var/run/secrets",
    "/run/secrets",
    "/opt/llmtrain",
    RUN_CONFIG_DIRECTORY,
    VOLUMES_DIRECTORY,
)
"""Folders of a container in which nothing can be mounted: the trainer, the kernel or the kubelet use them."""
RESERVED_LABELS = (f"{GROUP}/", MANAGED_BY_LABEL)
"""Beginnings of the labels and annotations that belong to the operator."""
RESERVED_ANNOTATIONS = (
    *RESERVED_LABELS,
    "kubernetes.io/config.",
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
)
"""Those, and those that belong to the kubelet or would weaken the isolation of containers."""
LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
EXTENDED_RESOURCE = (
    r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?|hugepages-[0-9]+(Ki|Mi|Gi))$"
)
MOUNT_SOURCES = ("claim", "secret", "config_map", "scratch", "image")


def cel_list(values: Iterable[str]) -> str:
    """Return texts as a list in CEL."""
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def number_set_cel(item: str, fields: Iterable[str]) -> str:
    """Return the CEL expression for how many optional fields of `item` are set."""
    return " + ".join(f"(has({item}.{field}) ? 1 : 0)" for field in fields)


def number_set(item: Model, fields: Iterable[str]) -> int:
    """Return how many optional fields of `item` are set."""
    return len([field for field in fields if getattr(item, field) is not None])


def is_reserved_path(path: str) -> bool:
    """Return whether nothing can be mounted at an absolute path of a container."""
    return any(path == reserved or path.startswith(f"{reserved}/") for reserved in RESERVED_PATHS)


def key_rule(
    field: str, keys: Callable[[JobSpec], Iterable[str]], *, cel: str, accepts: Callable[[str], bool], message: str
) -> Rule:
    """Return the rule for the keys of a map of spec.workers; `cel` is a condition on the key `k`."""
    name = field.rpartition(".")[2]
    parent = "spec.workers.resources" if field.startswith("resources.") else "spec.workers"
    return Rule(
        path=parent,
        field=f"spec.workers.{field}",
        cel=f"!has(self.{name}) || self.{name}.all(k, {cel})",
        message=f"spec.workers.{field} {message}",
        violated=lambda job, spec: not all(accepts(key) for key in keys(spec)),
    )


def reserved_key_rule(field: str, keys: Callable[[JobSpec], Iterable[str]], reserved: tuple[str, ...]) -> Rule:
    """Return the rule against keys with a reserved beginning."""
    return key_rule(
        field,
        keys,
        cel=f"!{cel_list(reserved)}.exists(r, k.startsWith(r))",
        accepts=lambda key: not key.startswith(reserved),
        message=f"must not have keys that begin with {', '.join(reserved)}, because they belong to the operator or would weaken "
        "the isolation of the pods; remove them",
    )


def label_key_rule(field: str, keys: Callable[[JobSpec], Iterable[str]]) -> Rule:
    """Return the rule for the syntax of the keys of labels and annotations."""
    return key_rule(
        field,
        keys,
        cel=f"k.matches('{LABEL_KEY}')",
        accepts=lambda key: re.fullmatch(LABEL_KEY, key) is not None,
        message="must have keys such as team or example.com/team, with at most 63 characters after the '/'; change the key",
    )


def positive_rule(field: str, amounts: Callable[[Workers], Iterable[str | None]], *, cel: str = "") -> Rule:
    """Return the rule for quantities of spec.workers that must not be 0, which the kubelet takes for no limit.

    `cel` is the expression over the parent of the field if that contains quantities.
    """
    path, _, name = f"spec.workers.{field.partition('[]')[0]}".rpartition(".")
    return Rule(
        path=path,
        field=f"{path}.{name}",
        cel=cel or f"!has(self.{name}) || {positive_cel(f'self.{name}')}",
        message=f"spec.workers.{field} must be greater than 0, which would be no limit; raise it",
        violated=lambda job, spec: (
            not all(is_positive(amount) for amount in amounts(spec.workers) if amount is not None)
        ),
    )


POD_RULES: tuple[Rule, ...] = (
    Rule(
        path="spec.workers",
        field="spec.workers.env",
        cel=f"!has(self.env) || self.env.all(e, !e.name.startsWith('{ENVIRONMENT_PREFIX}'))",
        message="spec.workers.env must not set variables with the reserved prefix LLMTRAIN_; choose another name",
        violated=lambda name, spec: any(variable.name.startswith(ENVIRONMENT_PREFIX) for variable in spec.workers.env),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.env",
        cel=f"!has(self.env) || self.env.all(e, (e.value == '' ? 0 : 1) + {number_set_cel('e', ('secret', 'configMap'))} <= 1)",
        message="spec.workers.env must have at most one of value, secret and configMap for each variable; remove the others",
        violated=lambda name, spec: any(
            (variable.value != "") + number_set(variable, ("secret", "config_map")) > 1 for variable in spec.workers.env
        ),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.env",
        cel="!has(self.env) || self.env.all(e, has(e.key) == (has(e.secret) || has(e.configMap)))",
        message="spec.workers.env must have key for each variable with secret or configMap, and for no other; set or remove key",
        violated=lambda name, spec: any(
            (variable.key is not None) != (number_set(variable, ("secret", "config_map")) > 0)
            for variable in spec.workers.env
        ),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.envFrom",
        cel="!has(self.envFrom) || self.envFrom.all(e, has(e.secret) != has(e.configMap))",
        message="spec.workers.envFrom must have exactly one of secret and configMap for each item; set one and remove the other",
        violated=lambda name, spec: any(
            number_set(source, ("secret", "config_map")) != 1 for source in spec.workers.env_from
        ),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.mounts",
        cel=f"!has(self.mounts) || self.mounts.all(m, {number_set_cel('m', ('claim', 'secret', 'configMap', 'scratch', 'image'))} == 1)",
        message="spec.workers.mounts must have exactly one of claim, secret, configMap, scratch and image for each path; set one and remove the others",
        violated=lambda name, spec: any(number_set(mount, MOUNT_SOURCES) != 1 for mount in spec.workers.mounts),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.mounts",
        cel=f"!has(self.mounts) || self.mounts.all(m, !{cel_list(RESERVED_PATHS)}.exists(r, m.path == r || m.path.startsWith(r + '/')))",
        message=f"spec.workers.mounts must not have paths in {', '.join(RESERVED_PATHS)}, which the trainer uses itself; choose another path",
        violated=lambda name, spec: any(is_reserved_path(mount.path) for mount in spec.workers.mounts),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.mounts",
        cel="!has(self.mounts) || self.mounts.all(m, self.mounts.exists_one(n, n.path == m.path))",
        message="spec.workers.mounts must have each path once; change one of the paths",
        violated=lambda name, spec: len({mount.path for mount in spec.workers.mounts}) < len(spec.workers.mounts),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.mounts",
        cel="!has(self.mounts) || self.mounts.all(m, m.readOnly || has(m.claim) || has(m.scratch))",
        message="spec.workers.mounts can be writable only for a claim or scratch; remove readOnly",
        violated=lambda name, spec: any(
            not mount.read_only and mount.claim is None and mount.scratch is None for mount in spec.workers.mounts
        ),
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.sharedMemory",
        cel="!has(self.sharedMemory) || quantity(self.sharedMemory).compareTo(quantity(self.resources.memory)) <= 0",
        message="spec.workers.sharedMemory must not be greater than spec.workers.resources.memory, which it is part of; lower it or raise memory",
        violated=lambda name, spec: (
            spec.workers.shared_memory is not None
            and parse_quantity(spec.workers.shared_memory) > parse_quantity(spec.workers.resources.memory)
        ),
    ),
    positive_rule("resources.cpu", lambda workers: [workers.resources.cpu]),
    positive_rule("resources.memory", lambda workers: [workers.resources.memory]),
    positive_rule("resources.scratch", lambda workers: [workers.resources.scratch]),
    positive_rule(
        "resources.extra",
        lambda workers: workers.resources.extra.values(),
        cel=f"!has(self.extra) || self.extra.all(k, {positive_cel('self.extra[k]')})",
    ),
    positive_rule("sharedMemory", lambda workers: [workers.shared_memory]),
    positive_rule(
        "mounts[].scratch",
        lambda workers: (mount.scratch for mount in workers.mounts),
        cel=f"!has(self.mounts) || self.mounts.all(m, !has(m.scratch) || {positive_cel('m.scratch')})",
    ),
    label_key_rule("labels", lambda spec: spec.workers.labels),
    label_key_rule("annotations", lambda spec: spec.workers.annotations),
    reserved_key_rule("labels", lambda spec: spec.workers.labels, RESERVED_LABELS),
    reserved_key_rule("annotations", lambda spec: spec.workers.annotations, RESERVED_ANNOTATIONS),
    key_rule(
        "resources.extra",
        lambda spec: spec.workers.resources.extra,
        cel=f"k.matches('{EXTENDED_RESOURCE}')",
        accepts=lambda key: re.fullmatch(EXTENDED_RESOURCE, key) is not None,
        message="must have names of extended resources, such as rdma/hca or hugepages-2Mi; use cpu, memory and scratch for the others",
    ),
    key_rule(
        "resources.extra",
        lambda spec: spec.workers.resources.extra,
        cel=f"k != '{GPU_RESOURCE}'",
        accepts=lambda key: key != GPU_RESOURCE,
        message=f"must not have {GPU_RESOURCE}; use spec.workers.gpus",
    ),
    Rule(
        path="spec.securityContext",
        field="spec.securityContext",
        cel="self.assignedBy == 'Job' || "
        + f"(self.runAsUser == {SecurityContext().run_as_user} && self.runAsGroup == {SecurityContext().run_as_group}"
        + f" && self.fsGroup == {SecurityContext().fs_group} && (!has(self.supplementalGroups) || self.supplementalGroups.size() == 0))",
        message="spec.securityContext has users and groups, which have no effect with assignedBy Cluster; remove them",
        violated=lambda name, spec: (
            spec.security_context.assigned_by == "Cluster"
            and spec.security_context != SecurityContext(assigned_by="Cluster")
        ),
    ),
)
"""The rules in the order in which they are reported."""
