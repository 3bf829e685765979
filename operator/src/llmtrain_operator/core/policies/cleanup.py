"""Clean-up: when a job has ended, its pods and other objects are deleted, as `podCleanup` says; the volumes stay."""

from collections.abc import Mapping

from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.plan import Plan, object_references, pod_references
from llmtrain_operator.core.pod_view import PodView

KINDS = ("Service", "ConfigMap", "PodGroup", "NetworkPolicy")
"""Kinds of the objects that are deleted in addition to the pods."""


def keeps_ended_pods(pod_cleanup: str, *, succeeded: bool) -> bool:
    """Return whether the pods that have ended stay, for their logs; `pod_cleanup` is the field of the spec."""
    return pod_cleanup == "Never" or (pod_cleanup == "Succeeded" and not succeeded)


def plan_cleanup(
    pods: tuple[PodView, ...],
    objects: Mapping[ObjectKey, Manifest],
    lost_nodes: frozenset[str],
    *,
    keep_ended: bool = False,
) -> Plan | None:
    """Return the plan that deletes what is left of a finished job; None if nothing is.

    The kubelet of a lost node does not confirm a deletion that began before, so it is repeated with force. With
    `keep_ended` the pods that have ended stay, unless a container that was injected still uses the resources of a node.
    """
    unneeded = (pod for pod in pods if not keep_ended or pod.occupies_node)
    remaining = (pod for pod in unneeded if not pod.deleting or (pod.node in lost_nodes and not pod.finalizers))
    references = (*pod_references(remaining, lost_nodes, after_training=True), *object_references(objects, KINDS))
    return Plan(delete=references) if references else None
