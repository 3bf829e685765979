"""What the reconciler remembers of a job between two reconciliations. A restart may forget it: it only saves calls."""

import time
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.recovery_time import with_generation
from llmtrain_operator.core.snapshot import Refusal, RequestKey
from llmtrain_operator.shell.refusals import Facts, Refusals
from llmtrain_operator.shell.retry_pace import RetryPace


class JobMemory:
    """The memory of the job with one uid."""

    def __init__(self, uid: str, clock: Callable[[], float] = time.monotonic, pace: RetryPace | None = None) -> None:
        self.uid, self.clock, self.pace = uid, clock, pace
        self.refusals: dict[RequestKey, Refusals] = {}
        """Refused requests, oldest first."""
        self.undone_repairs: dict[ObjectKey, Manifest] = {}
        """Objects that differed again right after they were repaired, by what was applied."""
        self.token_created = False
        """Whether the Secret with the job's token was created, or existed already."""
        self.status_written_at: float | None = None
        self.generations_seen: dict[int, datetime] = {}
        """When each membership generation was seen last, and what follows from it done."""
        self.alive: set[str] = set()
        """Uids of the pods that were seen before anyone deleted them."""
        self.deleted: set[str] = set()
        """Uids of the pods that the operator deletes itself."""

    @property
    def status_age(self) -> timedelta | None:
        """Return the time since the status was written; None if it was not yet."""
        if self.status_written_at is None:
            return None
        return timedelta(seconds=self.clock() - self.status_written_at)

    def refused(self, refusal: Refusal, facts: Facts, *, waiting: int = 0) -> None:
        """Remember a refusal and what it may depend on; `waiting` is how many jobs wait because of one."""
        found = self.refusals.setdefault(refusal.request, Refusals(self.clock, self.pace))
        found.record(refusal, facts, waiting=waiting)

    def pending_refusals(self, facts: Facts) -> tuple[Refusal, ...]:
        """Return the refusals with the time until each request is made again."""
        found = (refusals.pending(facts) for refusals in self.refusals.values())
        return tuple(refusal for refusal in found if refusal is not None)

    def keep_refusals(self, requests: Collection[RequestKey]) -> bool:
        """Forget the refusals of all other requests: they succeeded, or are no longer needed. Return whether there were any."""
        gone = [request for request in self.refusals if request not in requests]
        for request in gone:
            del self.refusals[request]
        return bool(gone)

    def saw(self, generation: int, now: datetime) -> None:
        """Remember when a membership generation was seen; 0 is none."""
        if generation > 0:
            self.generations_seen = with_generation(self.generations_seen, generation, now)

    def deleted_by_others(self, pods: Iterable[PodView]) -> frozenset[str]:
        """Return the uids of those of the job's pods that are being deleted, and not by the operator.

        Who deletes a pod is not recorded in it. One that was being deleted already when this process saw it first may
        have been deleted by the operator's predecessor.
        """
        pods = tuple(pods)
        existing = {pod.uid for pod in pods}
        self.deleted &= existing
        self.alive = (self.alive & existing) | {pod.uid for pod in pods if not pod.deleting}
        return frozenset(pod.uid for pod in pods if pod.deleting and pod.uid in self.alive - self.deleted)
