"""Kubernetes objects as plain dicts, as the API server accepts and returns them."""

from typing import Any

Manifest = dict[str, Any]
"""One object, with its metadata."""
ObjectKey = tuple[str, str]
"""Kind and name of an object in a known namespace."""


def object_key(manifest: Manifest) -> ObjectKey:
    """Return the kind and name of an object."""
    return manifest["kind"], manifest["metadata"]["name"]


def is_deleting(manifest: Manifest) -> bool:
    """Return whether an object is being deleted."""
    return "deletionTimestamp" in manifest["metadata"]
