"""A work queue as in client-go: deduplicated keys, one worker per key, delays, exponential back-off."""

import asyncio
import itertools
from contextvars import ContextVar
from typing import Literal, NamedTuple

BASE_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.25, 60.0
"""Delay after the first failure, which doubles with each further one, and its limit."""
LOW_PRIORITY_SECONDS = 3600.0
"""How much longer a key of low priority waits for its turn than others, if there are others."""


class Key(NamedTuple):
    """A job or an LLMCluster to reconcile; `namespace` is empty for the latter."""

    kind: Literal["job", "cluster"]
    namespace: str
    name: str


CURRENT_KEY: ContextVar[Key | None] = ContextVar("CURRENT_KEY", default=None)
"""The key that the running task and the tasks it started are processing; calls of the API are shared fairly by it."""


class WorkQueue:
    """A deduplicated queue with delays and back-off."""

    def __init__(self) -> None:
        self.ready: asyncio.PriorityQueue[tuple[float, int, Key]] = asyncio.PriorityQueue()
        """Keys by the time from which they count as waiting; an entry with another time than in `since` is void."""
        self.waiting: set[Key] = set()
        """Keys in `ready`."""
        self.since: dict[Key, float] = {}
        """The time in `ready` of each key."""
        self.processing: set[Key] = set()
        self.dirty: set[Key] = set()
        """Keys added while they were being processed."""
        self.timers: dict[Key, asyncio.TimerHandle] = {}
        self.failures: dict[Key, int] = {}
        self.numbers = itertools.count()

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, key: Key, *, low_priority: bool = False) -> None:
        """Enqueue `key` now; a key that is being processed is enqueued again when that is done."""
        if (timer := self.timers.pop(key, None)) is not None:
            timer.cancel()
        if key in self.processing:
            self.dirty.add(key)
            return
        since = asyncio.get_running_loop().time() + (LOW_PRIORITY_SECONDS if low_priority else 0.0)
        if since < self.since.get(key, float("inf")):
            self.waiting.add(key)
            self.since[key] = since
            self.ready.put_nowait((since, next(self.numbers), key))

    def add_after(self, key: Key, seconds: float) -> None:
        """Enqueue `key` after a delay, unless it is enqueued before: of two delays the one that ends first counts."""
        loop = asyncio.get_running_loop()
        if (timer := self.timers.get(key)) is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self.timers[key] = loop.call_later(seconds, self.add, key)

    async def take(self) -> Key:
        """Wait for a key; the caller must call `done` or `failed` afterwards."""
        while True:
            since, _, key = await self.ready.get()
            if self.since.get(key) == since:
                break
        del self.since[key]
        self.waiting.discard(key)
        self.processing.add(key)
        CURRENT_KEY.set(key)
        return key

    def done(self, key: Key, again_after_seconds: float | None = None) -> None:
        """Mark `key` as reconciled, to be enqueued again after a delay if one is given."""
        self.failures.pop(key, None)
        self.finish(key, again_after_seconds)

    def failed(self, key: Key, at_least_seconds: float = 0.0) -> None:
        """Mark `key` as failed, to be retried after a delay that doubles with each failure."""
        count = self.failures[key] = self.failures.get(key, 0) + 1
        delay = min(BASE_DELAY_SECONDS * 2 ** min(count - 1, 16), MAX_DELAY_SECONDS)
        if (timer := self.timers.pop(key, None)) is not None:  # no earlier event may shorten the delay
            timer.cancel()
        self.finish(key, max(delay, at_least_seconds))

    def finish(self, key: Key, again_after_seconds: float | None) -> None:
        """End the processing of `key`; enqueue it again if it was added in between, or after a delay if one is given."""
        self.processing.discard(key)
        if key in self.dirty:
            self.dirty.discard(key)
            self.add(key)
        elif again_after_seconds is not None:
            self.add_after(key, again_after_seconds)
