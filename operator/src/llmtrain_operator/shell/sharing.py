"""One copy in memory of what objects have in common: the pods of a job are almost the same text."""

from typing import Any

from llmtrain_operator.core.manifest import Manifest

MAX_DEPTH = 16
"""How deep objects are compared; pods are not nested deeper."""


def share(obj: Manifest, like: Manifest) -> Manifest:
    """Return an object equal to `obj` that consists of parts of `like` where they are equal.

    Objects of the store are never changed, so nothing can depend on whether parts are the same.
    """
    found: Manifest = _share(obj, like, MAX_DEPTH)
    return found


def _share(value: Any, like: Any, depth: int) -> Any:
    """Return a value equal to `value`, of parts of `like` where they are equal."""
    if value == like:
        return like
    if depth == 0 or type(value) is not type(like):
        return value
    if isinstance(value, dict):
        names = {name: name for name in like}
        return {names.get(name, name): _share(part, like.get(name), depth - 1) for name, part in value.items()}
    if isinstance(value, list):
        parts = [_share(part, other, depth - 1) for part, other in zip(value, like, strict=False)]
        return parts + value[len(like) :]
    return value
