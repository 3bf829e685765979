"""Namespaces and their quotas, as far as a refused request may depend on them.

A quota is charged with every pod of its namespace. Only when it leaves more room can a request that it refused succeed,
so nothing else of it counts.
"""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from llmtrain_api.quantity import parse_quantity
from llmtrain_operator.core.manifest import Manifest, fields_at, is_deleting, strings_at, text_at
from llmtrain_operator.shell.refusals import Facts


class NamespaceView(NamedTuple):
    """What is kept of a namespace: its labels choose the Pod Security level."""

    uid: str
    deleting: bool
    labels: frozenset[tuple[str, str]]


class Quota(NamedTuple):
    """What a ResourceQuota leaves of each resource; None before it is known, when it refuses everything."""

    namespace: str
    room: dict[str, Decimal] | None

    @classmethod
    def of(cls, quota: Manifest) -> "Quota":
        """Return what is kept of a ResourceQuota, without amounts that cannot be read."""
        hard, used = fields_at(quota, "status", "hard"), fields_at(quota, "status", "used")
        amounts = {name: (amount(hard[name]), amount(used.get(name, "0"))) for name in hard}
        room = {name: limit - held for name, (limit, held) in amounts.items() if limit is not None and held is not None}
        return cls(text_at(quota, "metadata", "namespace"), room if hard else None)

    def leaves_more_than(self, other: "Quota") -> bool:
        """Return whether this quota leaves more of a resource than an earlier version of it, or no longer limits it."""
        if self.room is None or other.room is None:
            return self.room is not None
        return any(name not in self.room or self.room[name] > before for name, before in other.room.items())


class NamespaceIndex:
    """All namespaces by name, and how often their quotas have left more room."""

    def __init__(self) -> None:
        self.views: dict[str, NamespaceView] = {}
        self.quotas: dict[str, Quota] = {}
        """By uid."""
        self.growths: Counter[str] = Counter()
        """How often a quota of a namespace has left more room, or was deleted."""

    def facts(self, namespace: str) -> Facts:
        """Return what a request for an object in a namespace may depend on."""
        return frozenset({("namespace", self.views.get(namespace)), ("quotas", self.growths[namespace])})

    def put(self, namespace: Manifest) -> bool:
        """Index a namespace; return whether a request may depend on what has changed."""
        name, labels = text_at(namespace, "metadata", "name"), strings_at(namespace, "metadata", "labels")
        view = NamespaceView(text_at(namespace, "metadata", "uid"), is_deleting(namespace), frozenset(labels.items()))
        before, self.views[name] = self.views.get(name), view
        return view != before

    def remove(self, name: str) -> bool:
        """Remove a namespace; return whether it was known."""
        self.growths.pop(name, None)
        return self.views.pop(name, None) is not None

    def put_quota(self, uid: str, quota: Quota | None) -> bool:
        """Index a quota, None if it is deleted; return whether its namespace has more room now."""
        before = self.quotas.pop(uid, None)
        if quota is not None:
            self.quotas[uid] = quota
        has_grown = before is not None and (quota is None or quota.leaves_more_than(before))
        if before is not None and has_grown:
            self.growths[before.namespace] += 1
        return has_grown


def amount(quantity: object) -> Decimal | None:
    """Return the amount of a resource; None if it cannot be read."""
    try:
        return parse_quantity(quantity) if isinstance(quantity, str) else None
    except ValueError:
        return None


def trim_quota(quota: Manifest) -> Manifest:
    """Return a ResourceQuota with only what is kept of it."""
    names = ("name", "namespace", "uid", "resourceVersion")
    return {
        "metadata": {name: text_at(quota, "metadata", name) for name in names},
        "status": {key: fields_at(quota, "status", key) for key in ("hard", "used")},
    }
