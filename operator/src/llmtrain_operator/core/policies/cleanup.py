"""Clean-up: when a job has ended, its pods and other objects are deleted; the volumes stay."""

from collections.abc import Mapping

from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.plan import Plan, object_references, pod_references
from llmtrain_operator.core.pod_view import PodView

KINDS = ("Service", "ConfigMap", "PodGroup", "NetworkPolicy")
"""Kinds of the objects that are deleted in addition to the pods."""


def plan_cleanup(
    pods: tuple[PodView, ...], objects: Mapping[ObjectKey, Manifest], lost_nodes: frozenset[str]
) -> Plan | None:
    """Return the plan that deletes what is left of a finished job; None if nothing is.

    The kubelet of a lost node does not confirm a deletion that began before, so it is repeated with force.
    """
    remaining = (pod for pod in pods if not pod.deleting or (pod.node in lost_nodes and not pod.finalizers))
    references = (*pod_references(remaining, lost_nodes), *object_references(objects, KINDS))
    return Plan(delete=references) if references else None
