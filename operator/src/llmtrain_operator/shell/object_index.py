"""Objects by what they belong to, never back in time: an older version or a deleted object does not return."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from llmtrain_operator.core.manifest import Manifest, text_at
from llmtrain_operator.shell.sharing import share

G = TypeVar("G", bound=Hashable)
K = TypeVar("K", bound=Hashable)

MAX_TOMBSTONES = 20_000
"""Deleted objects that are remembered; an event that arrives later than so many deletions is not expected."""


class Tombstones:
    """Uids of deleted objects with the version of their deletion, so that a late event does not restore them."""

    def __init__(self, limit: int = MAX_TOMBSTONES) -> None:
        self.limit = limit
        self.versions: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.versions)

    def add(self, obj: Manifest) -> None:
        """Record that an object was deleted, at its version or before; the oldest records are dropped."""
        uid = uid_of(obj)
        self.versions.pop(uid, None)
        self.versions[uid] = version_of(obj)
        while len(self.versions) > self.limit:
            del self.versions[next(iter(self.versions))]

    def cover(self, obj: Manifest) -> bool:
        """Return whether this version of an object is from before its deletion."""
        deleted = self.versions.get(uid_of(obj))
        return deleted is not None and not (
            is_number(deleted) and is_number(version_of(obj)) and int(version_of(obj)) > int(deleted)
        )


class ObjectIndex(Generic[G, K]):
    """Objects by group, such as the job that they belong to, and by key within the group. A group is never empty."""

    def __init__(self, tombstones: Tombstones) -> None:
        self.tombstones = tombstones
        self.groups: dict[G, dict[K, Manifest]] = {}
        self.places: dict[str, tuple[G, K]] = {}
        """Group and key, by uid."""
        self.latest: Manifest = {}
        """The object that was indexed last."""

    def find(self, uid: str) -> tuple[G, Manifest] | None:
        """Return the group and the object with a uid; None if there is none."""
        if (place := self.places.get(uid)) is None:
            return None
        group, key = place
        return group, self.groups[group][key]

    def put(self, group: G, key: K, obj: Manifest) -> bool:
        """Index a version of an object; return False if a newer one, or its deletion, is known."""
        uid = uid_of(obj)
        place = self.places.get(uid, (group, key))
        before = self.groups.get(place[0], {}).get(place[1])
        occupant = self.groups.get(group, {}).get(key)
        if self.tombstones.cover(obj) or not is_newer(obj, before) or not is_newer(obj, occupant):
            return False
        self.remove(uid)
        if occupant is not None:
            self.places.pop(uid_of(occupant), None)
        siblings = self.groups.setdefault(group, {})
        siblings[key] = self.latest = share(obj, before or next(reversed(siblings.values()), self.latest))
        self.places[uid] = (group, key)
        return True

    def remove(self, uid: str) -> None:
        """Remove the object with a uid; one that has the same name but another uid stays."""
        if (place := self.places.pop(uid, None)) is None:
            return
        group, key = place
        del self.groups[group][key]
        if not self.groups[group]:
            del self.groups[group]


def uid_of(obj: Manifest) -> str:
    """Return the uid of an object; empty if it has none."""
    return text_at(obj, "metadata", "uid")


def version_of(obj: Manifest) -> str:
    """Return the resource version of an object; empty if it has none."""
    return text_at(obj, "metadata", "resourceVersion")


def is_number(version: str) -> bool:
    """Return whether a resource version can be compared with others."""
    return len(version) <= 32 and version.isascii() and version.isdigit()


def is_newer(obj: Manifest, known: Manifest | None) -> bool:
    """Return whether `obj` is not older than the known version: events can arrive late, and twice.

    A namesake with another uid is newer unless it was created before. Versions that cannot be compared are newer.
    """
    if known is None:
        return True
    if uid_of(known) != uid_of(obj):
        created = text_at(obj, "metadata", "creationTimestamp")
        return not created or created >= text_at(known, "metadata", "creationTimestamp")
    version, before = version_of(obj), version_of(known)
    return not (is_number(version) and is_number(before)) or int(version) >= int(before)


def is_older(obj: Manifest, known: Manifest | None) -> bool:
    """Return whether `obj` is an older version of the known object."""
    return known is not None and uid_of(known) == uid_of(obj) and not is_newer(obj, known)
