"""Leases: a process that says nothing for `LEASE_SECONDS` is taken for dead."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from llmtrain_api.protocol import LEASE_SECONDS


@dataclass(kw_only=True)
class Leases:
    """When each process was last heard of, in seconds of any steady clock.

    Kept beside the roster, not in it: thousands of heartbeats a second change nothing else.
    """

    _heard_at_seconds: dict[str, float] = field(default_factory=dict)
    _looked_at_seconds: float | None = None

    def renew(self, incarnation: str, now_seconds: float) -> None:
        """Note that a process lives."""
        self._heard_at_seconds[incarnation] = now_seconds

    def silent(self, seated: Iterable[str], now_seconds: float) -> frozenset[str]:
        """Return which of the seated processes are to be taken for dead, and forget whoever is not seated.

        Where the coordinator itself stood still, nobody could be heard: all leases start anew.
        """
        stood_still = now_seconds - (self._looked_at_seconds or now_seconds) > LEASE_SECONDS / 2
        self._looked_at_seconds = now_seconds
        self._heard_at_seconds = {
            name: now_seconds if stood_still else self._heard_at_seconds.get(name, now_seconds) for name in seated
        }
        return frozenset(name for name, at in self._heard_at_seconds.items() if now_seconds - at >= LEASE_SECONDS)
