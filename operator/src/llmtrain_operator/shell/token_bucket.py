"""A client-side rate limit that is shared fairly: one call does not wait for the many calls of another job."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable


class TokenBucket:
    """At most `rate` calls per second on average and `burst` at once; callers that wait take turns by flow."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self.tokens, self.filled_at = burst, clock()
        self.flows: dict[Hashable, deque[asyncio.Future[None]]] = {}
        """Callers that wait, by flow; the first flow is the next one."""
        self.timer: asyncio.TimerHandle | None = None

    async def take(self, flow: Hashable = None) -> None:
        """Wait until a call of a flow, such as those for one job, is allowed."""
        self.fill()
        if self.tokens >= 1 and not self.flows:
            self.tokens -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self.flows.setdefault(flow, deque()).append(turn)
        self.schedule()
        await turn

    def fill(self) -> None:
        """Add the tokens of the time that has passed."""
        now = self.clock()
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now

    def schedule(self) -> None:
        """Wake when the next token is due."""
        if self.timer is None and self.flows:
            delay = max(0.0, (1 - self.tokens) / self.rate)
            self.timer = asyncio.get_running_loop().call_later(delay, self.grant)

    def grant(self) -> None:
        """Give the tokens there are to one caller of each flow in turn; a caller that was cancelled gets none."""
        self.timer = None
        self.fill()
        while self.flows and self.tokens >= 1:
            flow = next(iter(self.flows))
            turns = self.flows.pop(flow)
            turn = turns.popleft()
            if turns:
                self.flows[flow] = turns
            if not turn.done():
                turn.set_result(None)
                self.tokens -= 1
        self.schedule()
