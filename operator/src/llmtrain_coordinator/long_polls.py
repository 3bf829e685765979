"""Requests that are held open.

A join is answered when its generation begins, when it is refused, or when its time is over. A heartbeat is answered
when the generation changes, or when its time is over.
"""

import asyncio
from collections import defaultdict

from llmtrain_api.protocol import Membership
from llmtrain_coordinator.group import GroupState, Phase
from llmtrain_coordinator.transitions import Rejection


class LongPolls:
    """The joins held open, by the incarnation that asked."""

    def __init__(self) -> None:
        self._sleepers: set[asyncio.Future[None]] = set()
        self._futures: dict[str, set[asyncio.Future[Membership | Rejection]]] = defaultdict(set)

    def open(self) -> frozenset[str]:
        """Return who is holding a join open, and so lives."""
        return frozenset(self._futures)

    async def hold(self, incarnation: str, timeout_seconds: float) -> Membership | Rejection | None:
        """Return the answer of a join, or None if there is none in time."""
        future: asyncio.Future[Membership | Rejection] = asyncio.get_running_loop().create_future()
        self._futures[incarnation].add(future)
        try:
            done, _ = await asyncio.wait([future], timeout=timeout_seconds)
            return future.result() if done else None
        finally:
            self._futures[incarnation].discard(future)
            if not self._futures[incarnation]:
                del self._futures[incarnation]

    async def sleep(self, timeout_seconds: float) -> None:
        """Wait until the generation changes, but not longer than `timeout_seconds`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.add(future)
        try:
            await asyncio.wait([future], timeout=timeout_seconds)
        finally:
            self._sleepers.discard(future)

    def wake(self) -> None:
        """Answer every heartbeat."""
        for future in self._sleepers:
            if not future.done():
                future.set_result(None)

    def answer(self, roster: GroupState) -> None:
        """Answer every join that can be answered now."""
        membership = roster.membership() if self._futures and roster.running else None
        for incarnation, futures in self._futures.items():
            seat = roster.seats.get(incarnation)
            answer: Membership | Rejection | None = None
            if seat is None:
                answer = Rejection(
                    sentence="This process has lost its place: it is replaced, or not wanted any more.", not_wanted=True
                )
            elif seat.phase is Phase.ACTIVE:
                answer = membership
            for future in futures:
                if answer is not None and not future.done():
                    future.set_result(answer)
