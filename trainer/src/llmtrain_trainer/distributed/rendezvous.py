"""Asking for a place in the next generation, for as long as it takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from llmtrain_api.protocol import Join, JoinPending, Member, Membership
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import CoordinatorUnavailable
from llmtrain_trainer.log import Log

PAUSE_SECONDS = 0.5
QUIET_SECONDS = 10.0
"""Time between two log lines that say what is waited for."""


@dataclass(kw_only=True)
class Rendezvous:
    """Finds the way into one generation after the other; the numbers only grow."""

    coordinator: CoordinatorClient
    member: Member
    finished: Callable[[], bool]
    """Whether others have trained to the end already."""
    pause: Callable[[float], None]
    log: Log
    newest: int = 0
    """Newest generation this trainer has been in."""
    term: int = 0
    """Newest term this trainer has been in."""
    _said: float = field(default=float("-inf"), repr=False)

    def next(self, step: int | None) -> Membership | None:
        """Return the next generation with this rank in it, or None if the training is finished.

        `step` is that of the state this rank holds, None if it holds none.
        """
        self.coordinator.close()  # a kept connection may lead to a coordinator that has been replaced
        while step is not None or not self.finished():
            membership = self._ask(step)
            if membership is not None:
                self.newest, self.term = membership.generation, membership.term
                return membership
        return None

    def _ask(self, step: int | None) -> Membership | None:
        try:
            answer = self.coordinator.join(Join(member=self.member, generation=self.newest, term=self.term, step=step))
        except CoordinatorUnavailable as error:
            self._say("unreachable", message=str(error))
            self.pause(PAUSE_SECONDS)
            return None
        if isinstance(answer, JoinPending):
            self._say("waiting", joined=answer.joined, wanted=answer.desired)
            return None
        if answer.term < self.term or answer.generation <= self.newest or not _holds(answer, self.member):
            self.pause(PAUSE_SECONDS)
            return None
        return answer

    def _say(self, event: str, **fields: object) -> None:
        if time.monotonic() - self._said >= QUIET_SECONDS:
            self._said = time.monotonic()
            self.log.info(event, **fields)


def _holds(membership: Membership, member: Member) -> bool:
    return any(other.incarnation == member.incarnation for other in membership.members)
