"""What a decision is: a value that the shell executes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from llmtrain_api.cluster import ClusterStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.manifest import Manifest, ObjectKey, is_deleting
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import RequestKey

NOW = timedelta(0)
"""A delay that is over."""


LAST_SCRAPE_SECONDS = 60
"""Grace period of the coordinator when its job has been trained: the default scrape interval of Prometheus."""


@dataclass(frozen=True, kw_only=True)
class ObjectReference:
    """One object by name. With `uid`, a successor of the same name is never deleted by mistake."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""
    force: bool = False
    """Whether to delete without waiting for the kubelet, because its node is lost."""
    grace_seconds: int | None = None
    """Grace period of a pod in place of the one in its spec."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One Kubernetes event, as `kubectl describe` shows it."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do now, in this order: status, events, deletions, applications.

    The status is written first, so that evidence is kept before anything is deleted; objects are deleted before others
    are applied, which may need their share of a quota.
    """

    status: JobStatus | ClusterStatus | None = None
    """The complete new status; None leaves it unchanged."""
    apply: tuple[Manifest, ...] = ()
    """Objects to apply, in order: those to create, then those that exist, with a `metadata.uid`, and are changed."""
    delete: tuple[ObjectReference, ...] = ()
    events: tuple[Event, ...] = ()
    requeue_after: timedelta | None = None
    """When to reconcile again if nothing changes before."""
    poll_after: timedelta | None = None
    """When to ask the coordinator again; None if its answer is not waited for."""
    decides: bool = False
    """Whether the status holds more than new figures and counts, so that the next plan can build on it at once."""
    refused: frozenset[RequestKey] = frozenset()
    """The requests whose refusals by the API server still matter."""


def pod_references(
    pods: Iterable[PodView], lost_nodes: frozenset[str], *, after_training: bool = False
) -> tuple[ObjectReference, ...]:
    """Return references to exactly these pods; on lost nodes, with force, as no kubelet can confirm the deletion.

    `after_training` is whether the training has ended: its coordinator has the time to be scraped once more then.
    """
    return tuple(
        ObjectReference(
            api_version="v1",
            kind="Pod",
            namespace=pod.namespace,
            name=pod.name,
            uid=pod.uid,
            force=pod.node in lost_nodes,
            grace_seconds=LAST_SCRAPE_SECONDS if after_training and pod.role == "coordinator" else None,
        )
        for pod in pods
    )


def object_references(objects: Mapping[ObjectKey, Manifest], kinds: tuple[str, ...]) -> tuple[ObjectReference, ...]:
    """Return references to the objects of some kinds that are not being deleted already."""
    return tuple(
        ObjectReference(
            api_version=manifest["apiVersion"],
            kind=kind,
            namespace=manifest["metadata"]["namespace"],
            name=name,
            uid=manifest["metadata"].get("uid", ""),
        )
        for (kind, name), manifest in objects.items()
        if kind in kinds and "metadata" in manifest and not is_deleting(manifest)
    )


def earliest(*delays: timedelta | None) -> timedelta | None:
    """Return the shortest of the delays that are not over; None if there is none."""
    return min((delay for delay in delays if delay is not None and delay > NOW), default=None)
