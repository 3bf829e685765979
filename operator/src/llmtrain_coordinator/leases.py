"""Leases: a process that sends nothing for `LEASE_SECONDS` has failed."""

from collections.abc import Collection
from dataclasses import dataclass, field

from llmtrain_api.protocol import LEASE_SECONDS, lease_seconds


@dataclass(kw_only=True)
class Leases:
    """When each process renewed its lease, in seconds of any monotonic clock.

    Kept apart from the group's state, because thousands of heartbeats per second change nothing else.
    """

    _renewed_at_seconds: dict[str, float] = field(default_factory=dict)
    _checked_at_seconds: float | None = None

    def renew(self, incarnation: str, now_seconds: float) -> None:
        """Renew the lease of a process."""
        self._renewed_at_seconds[incarnation] = now_seconds

    def expired(self, members: Collection[str], now_seconds: float) -> frozenset[str]:
        """Return the members whose lease has expired, which depends on their number, and forget the leases of processes that are no members.

        If the coordinator itself was paused for half a lease, it could receive nothing: it renews every lease.
        """
        paused = now_seconds - (self._checked_at_seconds or now_seconds) > LEASE_SECONDS / 2
        self._checked_at_seconds = now_seconds
        self._renewed_at_seconds = {
            name: now_seconds if paused else self._renewed_at_seconds.get(name, now_seconds) for name in members
        }
        lease = lease_seconds(len(members))
        return frozenset(name for name, at in self._renewed_at_seconds.items() if now_seconds - at >= lease)
