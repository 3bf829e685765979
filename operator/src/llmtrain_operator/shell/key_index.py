"""Keys of the queue by the namespaces that they wait for: a change in one namespace concerns no other."""

from collections.abc import Collection

from llmtrain_operator.shell.work_queue import Key


class KeyIndex:
    """Keys by namespace, and namespaces by key. Neither keeps what is empty."""

    def __init__(self) -> None:
        self.waits_for: dict[Key, frozenset[str]] = {}
        self.waiting: dict[str, dict[Key, None]] = {}

    def __len__(self) -> int:
        return len(self.waits_for)

    def __contains__(self, key: Key) -> bool:
        return key in self.waits_for

    def set(self, key: Key, waits_for: Collection[str]) -> None:
        """Set the namespaces that a key waits for; empty if it does not wait any more."""
        before, after = self.waits_for.pop(key, frozenset()), frozenset(waits_for)
        if after:
            self.waits_for[key] = after
        for namespace in before - after:
            del self.waiting[namespace][key]
            if not self.waiting[namespace]:
                del self.waiting[namespace]
        for namespace in after - before:
            self.waiting.setdefault(namespace, {})[key] = None

    def of(self, namespace: str) -> tuple[Key, ...]:
        """Return the keys that wait for a namespace."""
        return tuple(self.waiting.get(namespace, ()))

    def all(self) -> tuple[Key, ...]:
        """Return all keys that wait."""
        return tuple(self.waits_for)
