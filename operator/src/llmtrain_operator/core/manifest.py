"""Kubernetes objects as plain dicts, as the API server accepts and returns them.

Any client may have written them, so a field can be absent, null or of another type. The readers below never raise.
"""

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]
"""One object, with its metadata."""
ObjectKey = tuple[str, str]
"""Kind and name of an object in a known namespace."""


def object_key(manifest: Manifest) -> ObjectKey:
    """Return the kind and name of an object."""
    return text_at(manifest, "kind"), text_at(manifest, "metadata", "name")


def is_deleting(manifest: Manifest) -> bool:
    """Return whether an object is being deleted."""
    return bool(fields_at(manifest, "metadata").get("deletionTimestamp"))


def value_at(obj: object, *path: str) -> object:
    """Return the value at a path of keys; None if any part of it is missing or not an object."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def fields_at(obj: object, *path: str) -> dict[str, Any]:
    """Return the object at a path of keys; empty if there is none."""
    value = value_at(obj, *path)
    return value if isinstance(value, dict) else {}


def items_at(obj: object, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at a path of keys, without items of another type; empty if there is none."""
    value = value_at(obj, *path)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_at(obj: object, *path: str) -> str:
    """Return the text at a path of keys; empty if there is none."""
    value = value_at(obj, *path)
    return value if isinstance(value, str) else ""


def texts_at(obj: object, *path: str) -> tuple[str, ...]:
    """Return the texts of the list at a path of keys, without items of another type; empty if there is none."""
    value = value_at(obj, *path)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def strings_at(obj: object, *path: str) -> dict[str, str]:
    """Return the labels, annotations or the like at a path of keys, without values that are no text."""
    return {key: value for key, value in fields_at(obj, *path).items() if isinstance(value, str)}


def generation_of(obj: Manifest) -> int:
    """Return `metadata.generation` of an object; 0 if it is none that a status can hold."""
    generation = value_at(obj, "metadata", "generation")
    if not isinstance(generation, int) or isinstance(generation, bool):
        return 0
    return generation if 0 <= generation < 2**63 else 0


def conditions_of(obj: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the conditions in the status of an object, by type."""
    conditions = items_at(obj, "status", "conditions")
    return {condition["type"]: condition for condition in conditions if isinstance(condition.get("type"), str)}
