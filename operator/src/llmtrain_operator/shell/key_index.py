"""Keys of the queue by what they wait for, such as namespaces: a change of one concerns no key that waits for another."""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from llmtrain_operator.shell.work_queue import Key

W = TypeVar("W", bound=Hashable)


class KeyIndex(Generic[W]):
    """Keys by what they wait for, and that by key. Neither keeps what is empty."""

    def __init__(self) -> None:
        self.waits_for: dict[Key, frozenset[W]] = {}
        self.waiting: dict[W, dict[Key, None]] = {}

    def __len__(self) -> int:
        return len(self.waits_for)

    def __contains__(self, key: Key) -> bool:
        return key in self.waits_for

    def set(self, key: Key, waits_for: Collection[W]) -> None:
        """Set what a key waits for; empty if it does not wait any more."""
        before, after = self.waits_for.pop(key, frozenset()), frozenset(waits_for)
        if after:
            self.waits_for[key] = after
        for awaited in before - after:
            del self.waiting[awaited][key]
            if not self.waiting[awaited]:
                del self.waiting[awaited]
        for awaited in after - before:
            self.waiting.setdefault(awaited, {})[key] = None

    def of(self, awaited: W) -> tuple[Key, ...]:
        """Return the keys that wait for something."""
        return tuple(self.waiting.get(awaited, ()))

    def all(self) -> tuple[Key, ...]:
        """Return all keys that wait."""
        return tuple(self.waits_for)
