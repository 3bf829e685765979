"""Rendezvous: joins the next generation, however long it takes until it is complete."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import Join, JoinPending, Member, Membership
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import CoordinatorUnavailable

RETRY_SECONDS = 0.5
LOG_INTERVAL_SECONDS = 10.0
"""Least time between two log lines about waiting."""


@dataclass(kw_only=True)
class Rendezvous:
    """Joins one generation after the other. Their numbers, and the terms of coordinators, only grow."""

    coordinator: CoordinatorClient
    member: Member
    finished: Callable[[], bool]
    """Whether other ranks have completed the training."""
    pause: Callable[[float], None]
    """Sleeps for some seconds; StopRequested if a stop is requested."""
    log: JsonLog
    newest: int = 0
    """The newest generation that this rank was in."""
    term: int = 0
    """The newest term that this rank was in."""
    _logged_at: float = field(default=float("-inf"), repr=False)

    def next(self, step: int | None) -> Membership | None:
        """Return the next generation with this rank in it, or None if the training is complete.

        `step` is that of the state in this rank's memory, None if it holds none. BadInput if the coordinator rejects
        this rank; StopRequested if a stop is requested.
        """
        try:
            while step is not None or not self.finished():
                membership = self._try_join(step)
                if membership is not None:
                    self.newest, self.term = membership.generation, membership.term
                    return membership
            return None
        finally:
            self.coordinator.close()  # at the next generation, it could lead to a coordinator that has been replaced

    def _try_join(self, step: int | None) -> Membership | None:
        try:
            answer = self.coordinator.join(Join(member=self.member, generation=self.newest, term=self.term, step=step))
        except CoordinatorUnavailable as error:
            self._log_waiting(TrainerEvent.COORDINATOR_UNREACHABLE, message=str(error))
            self.pause(RETRY_SECONDS)
            return None
        if isinstance(answer, JoinPending):
            self._log_waiting(TrainerEvent.RENDEZVOUS_PENDING, joined=answer.joined, desired=answer.desired)
            return None
        if answer.term < self.term or answer.generation <= self.newest or not _contains(answer, self.member):
            self.pause(RETRY_SECONDS)
            return None
        return answer

    def _log_waiting(self, event: TrainerEvent, **fields: object) -> None:
        if time.monotonic() - self._logged_at >= LOG_INTERVAL_SECONDS:
            self._logged_at = time.monotonic()
            self.log.info(event, **fields)


def _contains(membership: Membership, member: Member) -> bool:
    return any(other.incarnation == member.incarnation for other in membership.members)
