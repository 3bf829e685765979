"""Drift: which objects are missing, or no longer hold what was applied, for example after a manual edit."""

from collections.abc import Iterable, Mapping
from typing import Any

from llmtrain_api.quantity import parse_quantity
from llmtrain_operator.core.manifest import Manifest, ObjectKey, is_deleting, object_key


def changed_objects(desired: Iterable[Manifest], live_objects: Mapping[ObjectKey, Manifest]) -> tuple[Manifest, ...]:
    """Return the desired objects that must be applied and can be applied now, in order."""
    return tuple(
        manifest
        for manifest in desired
        if can_apply(manifest, live := live_objects.get(object_key(manifest))) and needs_apply(manifest, live)
    )


def can_apply(desired: Manifest, live: Manifest | None) -> bool:
    """Return whether an object can be applied now: not while one of its name is being deleted, or is a finished pod."""
    if live is None:
        return True
    finished = desired["kind"] == "Pod" and live.get("status", {}).get("phase") in ("Failed", "Succeeded")
    return not is_deleting(live) and not finished


def needs_apply(desired: Manifest, live: Manifest | None) -> bool:
    """Return whether an object must be applied: it does not exist, or its enforced fields differ."""
    return live is None or not contains(live, enforced_fields(desired))


def enforced_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the part of a manifest that is enforced for the lifetime of the object.

    A running pod keeps what it was started with, so that an upgrade of the operator disturbs no job: only its labels,
    owner and image are enforced.
    """
    if manifest["kind"] != "Pod":
        return {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    metadata = manifest["metadata"]
    images = [{"image": container["image"]} for container in manifest["spec"]["containers"]]
    return {
        "metadata": {key: metadata[key] for key in ("labels", "ownerReferences")},
        "spec": {"containers": images},
    }


def contains(live: Any, desired: Any) -> bool:
    """Return whether `live` has every field of `desired`. Further fields, such as defaults, are no drift."""
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            contains(live.get(key), value) for key, value in desired.items() if value not in (None, {}, [])
        )
    if isinstance(desired, list):
        return isinstance(live, list) and len(live) == len(desired) and all(map(contains, live, desired))
    return bool(live == desired) or is_same_quantity(live, desired)


def is_same_quantity(live: Any, desired: Any) -> bool:
    """Return whether two quantities are equal but written differently, such as "1000m" and "1"."""
    try:
        return parse_quantity(str(live)) == parse_quantity(str(desired))
    except ValueError:
        return False
