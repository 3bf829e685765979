"""Long polls: requests that are held open until there is something to answer.

A join is answered when its generation begins, when the process is removed, or after a timeout. A heartbeat is answered
when the generation changes, or after a timeout.
"""

import asyncio
from collections import defaultdict

from llmtrain_api.protocol import Membership
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.members import Phase
from llmtrain_coordinator.transitions import Rejection

JoinAnswer = Membership | Rejection


class LongPolls:
    """The joins and heartbeats that are held open."""

    def __init__(self) -> None:
        self._heartbeats: set[asyncio.Future[None]] = set()
        self._joins: dict[str, set[asyncio.Future[JoinAnswer]]] = defaultdict(set)

    def joining(self) -> frozenset[str]:
        """Return the processes that hold a join open, and so are alive."""
        return frozenset(self._joins)

    async def hold_join(self, incarnation: str, timeout_seconds: float) -> JoinAnswer | None:
        """Return the answer to a join, or None after `timeout_seconds`."""
        future: asyncio.Future[JoinAnswer] = asyncio.get_running_loop().create_future()
        self._joins[incarnation].add(future)
        try:
            done, _ = await asyncio.wait([future], timeout=timeout_seconds)
            return future.result() if done else None
        finally:
            self._joins[incarnation].discard(future)
            if not self._joins[incarnation]:
                del self._joins[incarnation]

    async def hold_heartbeat(self, timeout_seconds: float) -> None:
        """Wait until the generation changes, for at most `timeout_seconds`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heartbeats.add(future)
        try:
            await asyncio.wait([future], timeout=timeout_seconds)
        finally:
            self._heartbeats.discard(future)

    def answer_heartbeats(self) -> None:
        """Answer every heartbeat that is held open."""
        for future in self._heartbeats:
            if not future.done():
                future.set_result(None)

    def answer_joins(self, group: GroupState) -> None:
        """Answer every join whose generation runs or whose process is not in the group any more."""
        membership = group.membership() if self._joins and group.running else None
        for incarnation, futures in self._joins.items():
            state = group.members.get(incarnation)
            answer: JoinAnswer | None = None
            if state is None:
                answer = Rejection(
                    message="This process is not part of the job any more: it was replaced or scaled away.",
                    surplus=True,
                )
            elif state.phase is Phase.ACTIVE:
                answer = membership
            for future in futures:
                if answer is not None and not future.done():
                    future.set_result(answer)
