"""What a decision is: a value that the shell carries out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from llmtrain_api.cluster import ClusterStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.snapshot import Manifest


@dataclass(frozen=True, kw_only=True)
class ObjectReference:
    """One object by name; `uid` guards against deleting its successor."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""
    force: bool = False
    """Whether it is to go without anyone's confirmation, as its node can give none."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line for `kubectl describe`."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do now, in this order: status first, so that evidence is kept before anything is deleted."""

    status: JobStatus | ClusterStatus | None = None
    """The whole new status; None leaves it."""
    apply: tuple[Manifest, ...] = ()
    """Objects to apply, in order."""
    delete: tuple[ObjectReference, ...] = ()
    events: tuple[Event, ...] = ()
    requeue_after: timedelta | None = None
    """When to look again if nothing happens."""
