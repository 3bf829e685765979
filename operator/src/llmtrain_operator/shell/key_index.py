"""Keys of the queue by the namespaces that they wait for: a change in one namespace concerns no other."""

from collections.abc import Collection

from llmtrain_operator.shell.work_queue import Key


class KeyIndex:
    """Keys by namespace, and namespaces by key. Neither keeps what is empty."""

    def __init__(self) -> None:
        self.namespaces: dict[Key, frozenset[str]] = {}
        self.keys: dict[str, dict[Key, None]] = {}

    def __len__(self) -> int:
        return len(self.namespaces)

    def __contains__(self, key: Key) -> bool:
        return key in self.namespaces

    def set(self, key: Key, namespaces: Collection[str]) -> None:
        """Set the namespaces that a key waits for; none if it does not wait any more."""
        before, after = self.namespaces.pop(key, frozenset()), frozenset(namespaces)
        if after:
            self.namespaces[key] = after
        for namespace in before - after:
            del self.keys[namespace][key]
            if not self.keys[namespace]:
                del self.keys[namespace]
        for namespace in after - before:
            self.keys.setdefault(namespace, {})[key] = None

    def of(self, namespace: str) -> tuple[Key, ...]:
        """Return the keys that wait for a namespace."""
        return tuple(self.keys.get(namespace, ()))

    def all(self) -> tuple[Key, ...]:
        """Return all keys that wait."""
        return tuple(self.namespaces)
