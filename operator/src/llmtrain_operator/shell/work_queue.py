"""Keys waiting to be reconciled: each once, each by one worker at a time, failures ever more slowly."""

import asyncio
from typing import Literal, NamedTuple

BASE_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.25, 60.0


class Key(NamedTuple):
    """What is to be reconciled."""

    kind: Literal["job", "cluster"]
    namespace: str
    name: str


class WorkQueue:
    """A deduplicated queue with delays and back-off."""

    def __init__(self) -> None:
        self.ready: asyncio.Queue[Key] = asyncio.Queue()
        self.waiting: set[Key] = set()
        self.processing: set[Key] = set()
        self.dirty: set[Key] = set()
        self.timers: dict[Key, asyncio.TimerHandle] = {}
        self.failures: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, key: Key) -> None:
        """Have `key` reconciled as soon as possible; if it is just being, then once more afterwards."""
        if (timer := self.timers.pop(key, None)) is not None:
            timer.cancel()
        if key in self.processing:
            self.dirty.add(key)
        elif key not in self.waiting:
            self.waiting.add(key)
            self.ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have `key` reconciled in a while, if nothing happens to it before."""
        if (timer := self.timers.pop(key, None)) is not None:
            timer.cancel()
        self.timers[key] = asyncio.get_running_loop().call_later(seconds, self.add, key)

    async def take(self) -> Key:
        """Wait for a key; `done` or `failed` must follow."""
        key = await self.ready.get()
        self.waiting.discard(key)
        self.processing.add(key)
        return key

    def done(self, key: Key, again_after_seconds: float | None = None) -> None:
        """Say that `key` is reconciled."""
        self.failures.pop(key, None)
        self.finish(key, again_after_seconds)

    def failed(self, key: Key, at_least_seconds: float = 0.0) -> None:
        """Say that reconciling `key` failed: it is tried again, later each time."""
        count = self.failures[key] = self.failures.get(key, 0) + 1
        delay = min(BASE_DELAY_SECONDS * 2 ** min(count - 1, 16), MAX_DELAY_SECONDS)
        self.finish(key, max(delay, at_least_seconds))

    def finish(self, key: Key, again_after_seconds: float | None) -> None:
        """Let `key` go, and have it come back if it must."""
        self.processing.discard(key)
        if key in self.dirty:
            self.dirty.discard(key)
            self.add(key)
        elif again_after_seconds is not None:
            self.add_after(key, again_after_seconds)
