"""Failed generations: how often the same ranks may fail to exchange anything before they give up, and their pauses.

A collective that fails usually means that a peer is lost, and then the next generation has other members. If it has the
same ones, and again no step is completed, the cause is another one: a blocked port, two ranks on one GPU, a device
without memory. It may pass, so the ranks try again a few times; then they fail with the first cause.
"""

from dataclasses import dataclass

from llmtrain_api.protocol import Membership

MAX_FAILURES = 3
"""Generations of the same members that may fail in a row without a completed step."""
FIRST_PAUSE_SECONDS = 0.5
"""Pause after the second of them; it doubles with each further one."""


@dataclass(frozen=True, kw_only=True)
class FailedGenerations:
    """The generations in a row that failed in this way."""

    members: tuple[str, ...] = ()
    """Incarnations of their members, in the order of their ranks."""
    count: int = 0
    cause: str = ""
    """Why the first of them failed."""

    def after_failure(self, membership: Membership, cause: str) -> "FailedGenerations":
        """Return the failed generations with that of `membership`, which completed no step."""
        members = tuple(member.incarnation for member in membership.members)
        if members != self.members:
            return FailedGenerations(members=members, count=1, cause=cause)
        return FailedGenerations(members=members, count=self.count + 1, cause=self.cause)

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next attempt. The first failure is most likely the loss of a peer."""
        return FIRST_PAUSE_SECONDS * 2.0 ** (self.count - 2) if self.count > 1 else 0.0

    @property
    def is_exhausted(self) -> bool:
        """Whether no further attempt is made."""
        return self.count >= MAX_FAILURES
