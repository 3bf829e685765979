"""Connections between two heartbeats: a process that dies then has no request open that could break."""

import asyncio
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Connections:
    """The connection that each process sent its last heartbeat on."""

    _transports: dict[str, asyncio.Transport | None] = field(default_factory=dict)
    _closed_before: frozenset[str] = frozenset()

    def note(self, incarnation: str, transport: asyncio.Transport | None) -> None:
        """Note where a heartbeat came from."""
        self._transports[incarnation] = transport

    def forget(self, incarnation: str) -> None:
        """Expect no more heartbeats: the process has said what it does next."""
        self._transports.pop(incarnation, None)

    def closed(self) -> frozenset[str]:
        """Return whose connection was closed at the last look already, and who has not been heard of since.

        A member that leaves its generation closes its connection just before it joins again: one look is too early.
        """
        closed = frozenset(
            incarnation
            for incarnation, transport in self._transports.items()
            if transport is None or transport.is_closing()
        )
        gone = closed & self._closed_before
        self._closed_before = closed - gone
        for incarnation in gone:
            del self._transports[incarnation]
        return gone
