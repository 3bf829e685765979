"""Whether a live object still says what was applied: how edits by hand are noticed."""

from typing import Any

from llmtrain_api.quantity import parse_quantity


def contains(live: Any, wanted: Any) -> bool:
    """Return whether `live` holds every field of `wanted`; more fields, such as defaults, are fine."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            contains(live.get(key), value) for key, value in wanted.items() if value not in (None, {}, [])
        )
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(map(contains, live, wanted))
    return bool(live == wanted) or same_quantity(live, wanted)


def same_quantity(live: Any, wanted: Any) -> bool:
    """Return whether two amounts are equal though written differently, as "1000m" and "1" are."""
    try:
        return parse_quantity(str(live)) == parse_quantity(str(wanted))
    except ValueError:
        return False


def enforced_fields(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a manifest that must hold for the whole life of the object.

    A pod keeps what it was started with, so that an upgrade of the operator disturbs no running job:
    only its labels and owner are held.
    """
    if manifest["kind"] != "Pod":
        return {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    metadata = manifest["metadata"]
    images = [{"image": container["image"]} for container in manifest["spec"]["containers"]]
    return {
        "metadata": {key: metadata[key] for key in ("labels", "ownerReferences")},
        "spec": {"containers": images},
    }


def needs_apply(wanted: dict[str, Any], live: dict[str, Any] | None) -> bool:
    """Return whether `wanted` must be applied: it isn't there, or was changed by someone else."""
    return live is None or not contains(live, enforced_fields(wanted))
