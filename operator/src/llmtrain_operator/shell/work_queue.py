"""A work queue as in client-go: deduplicated keys, one worker per key, delays, exponential back-off."""

import asyncio
from typing import Literal, NamedTuple

BASE_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.25, 60.0
"""Delay after the first failure, which doubles with each further one, and its limit."""


class Key(NamedTuple):
    """A job or an LLMCluster to reconcile; `namespace` is empty for the latter."""

    kind: Literal["job", "cluster"]
    namespace: str
    name: str


class WorkQueue:
    """A deduplicated queue with delays and back-off."""

    def __init__(self) -> None:
        self.ready: asyncio.Queue[Key] = asyncio.Queue()
        self.waiting: set[Key] = set()
        """Keys in `ready`."""
        self.processing: set[Key] = set()
        self.dirty: set[Key] = set()
        """Keys added while they were being processed."""
        self.timers: dict[Key, asyncio.TimerHandle] = {}
        self.failures: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, key: Key) -> None:
        """Enqueue `key` now; a key that is being processed is enqueued again when that is done."""
        if (timer := self.timers.pop(key, None)) is not None:
            timer.cancel()
        if key in self.processing:
            self.dirty.add(key)
        elif key not in self.waiting:
            self.waiting.add(key)
            self.ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Enqueue `key` after a delay, unless it is added before."""
        if (timer := self.timers.pop(key, None)) is not None:
            timer.cancel()
        self.timers[key] = asyncio.get_running_loop().call_later(seconds, self.add, key)

    async def take(self) -> Key:
        """Wait for a key; the caller must call `done` or `failed` afterwards."""
        key = await self.ready.get()
        self.waiting.discard(key)
        self.processing.add(key)
        return key

    def done(self, key: Key, again_after_seconds: float | None = None) -> None:
        """Mark `key` as reconciled, to be enqueued again after a delay if one is given."""
        self.failures.pop(key, None)
        self.finish(key, again_after_seconds)

    def failed(self, key: Key, at_least_seconds: float = 0.0) -> None:
        """Mark `key` as failed, to be retried after a delay that doubles with each failure."""
        count = self.failures[key] = self.failures.get(key, 0) + 1
        delay = min(BASE_DELAY_SECONDS * 2 ** min(count - 1, 16), MAX_DELAY_SECONDS)
        self.finish(key, max(delay, at_least_seconds))

    def finish(self, key: Key, again_after_seconds: float | None) -> None:
        """End the processing of `key`; enqueue it again if it was added in between, or after a delay if one is given."""
        self.processing.discard(key)
        if key in self.dirty:
            self.dirty.discard(key)
            self.add(key)
        elif again_after_seconds is not None:
            self.add_after(key, again_after_seconds)
