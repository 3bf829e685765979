"""Detects members whose connection closed between two heartbeats, when no request is open that could break."""

import asyncio
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Connections:
    """The connection that each member sent its latest heartbeat on."""

    _transports: dict[str, asyncio.Transport | None] = field(default_factory=dict)
    _closed_before: frozenset[str] = frozenset()

    def track(self, incarnation: str, transport: asyncio.Transport | None) -> None:
        """Record the connection of a heartbeat."""
        self._transports[incarnation] = transport

    def forget(self, incarnation: str) -> None:
        """Stop tracking a process that joins or leaves: it sends no more heartbeats for now."""
        self._transports.pop(incarnation, None)

    def closed(self) -> frozenset[str]:
        """Return the members whose connection was closed at the previous check too, without a heartbeat since.

        One check is not enough: a member that leaves its generation closes its connection just before it rejoins.
        """
        closed = frozenset(
            incarnation
            for incarnation, transport in self._transports.items()
            if transport is None or transport.is_closing()
        )
        disconnected = closed & self._closed_before
        self._closed_before = closed - disconnected
        for incarnation in disconnected:
            del self._transports[incarnation]
        return disconnected
