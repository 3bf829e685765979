"""Drift: which objects are missing, or no longer hold what was applied, for example after a manual edit."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from llmtrain_api.pod_rules import RESERVED_LABELS
from llmtrain_api.quantity import parse_quantity
from llmtrain_operator.core.manifest import Manifest, ObjectKey, fields_at, is_deleting, object_key, text_at, value_at
from llmtrain_operator.core.pod_containers import ENDED

LIST_KEYS = ("uid", "name", "port")
"""Keys that identify the items of a list of objects, as the API server merges them."""


def changed_objects(
    desired: Iterable[Manifest],
    live_objects: Mapping[ObjectKey, Manifest],
    unrepairable: Mapping[ObjectKey, Manifest] = MappingProxyType({}),
) -> tuple[Manifest, ...]:
    """Return the desired objects that must be applied and can be applied now, in order.

    Those that exist have their uid and only the fields that are enforced. `unrepairable` is what was applied to no effect: as
    long as the same would be applied again, those objects are left as they are.
    """
    differing = (
        (object_key(manifest), manifest if live is None else repair(manifest, live))
        for manifest in desired
        if can_apply(manifest, live := live_objects.get(object_key(manifest))) and needs_apply(manifest, live)
    )
    return tuple(manifest for key, manifest in differing if unrepairable.get(key) != manifest)


def repair(desired: Manifest, live: Manifest) -> Manifest:
    """Return what is applied to an existing object: its enforced fields, with the uid that it must have."""
    kind: Manifest = {key: desired[key] for key in ("apiVersion", "kind") if key in desired}
    enforced = enforced_fields(desired)
    names = {key: desired["metadata"][key] for key in ("name", "namespace") if key in desired["metadata"]}
    uid = {"uid": uid} if (uid := text_at(live, "metadata", "uid")) else {}
    return {**kind, **enforced, "metadata": {**enforced["metadata"], **names, **uid}}


def can_apply(desired: Manifest, live: Manifest | None) -> bool:
    """Return whether an object can be applied now: not while one of its name is being deleted, or is a finished pod."""
    if live is None:
        return True
    finished = desired["kind"] == "Pod" and text_at(live, "status", "phase") in ENDED
    return not is_deleting(live) and not finished


def needs_apply(desired: Manifest, live: Manifest | None) -> bool:
    """Return whether an object must be applied: it does not exist, or its enforced fields differ."""
    return live is None or not contains(live, enforced_fields(desired))


def enforced_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the part of a manifest that is enforced for the lifetime of the object.

    A running pod keeps what it was started with, so that an upgrade of the operator disturbs no job, and what admission
    webhooks made of it, such as sidecars, other images or variables: only the operator's own labels and its owner are
    enforced. The run config is immutable, so its data is not even read. A Service keeps its cluster IP, which cannot change:
    an earlier version created Services with one.
    """
    if manifest["kind"] == "ConfigMap":
        metadata = {key: manifest["metadata"][key] for key in ("labels", "ownerReferences")}
        return {"metadata": metadata}
    if manifest["kind"] != "Pod":
        fields = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
        if manifest["kind"] == "Service":
            fields["spec"] = {key: value for key, value in fields_at(manifest, "spec").items() if key != "clusterIP"}
        return fields
    metadata = manifest["metadata"]
    labels = {key: value for key, value in metadata["labels"].items() if key.startswith(RESERVED_LABELS)}
    return {"metadata": {"labels": labels, "ownerReferences": metadata["ownerReferences"]}}


def contains(live: Any, desired: Any) -> bool:
    """Return whether `live` has every field of `desired`.

    Further fields, such as defaults, and further items of a list of named objects, such as a second owner, are no drift.
    """
    if live == desired:
        return True
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            contains(live.get(key), value) for key, value in desired.items() if value not in (None, {}, [])
        )
    if isinstance(desired, list):
        if (name := list_key(desired)) and isinstance(live, list):
            return all(
                any(contains(other, item) for other in live if value_at(other, name) == item[name]) for item in desired
            )
        return isinstance(live, list) and len(live) == len(desired) and all(map(contains, live, desired))
    return is_same_quantity(live, desired)


def list_key(items: list[Any]) -> str:
    """Return the key that identifies the items of a list; empty if they are no objects that have one."""
    objects = all(isinstance(item, dict) for item in items)
    return next((key for key in LIST_KEYS if objects and items and all(key in item for item in items)), "")


def is_same_quantity(live: Any, desired: Any) -> bool:
    """Return whether two quantities are equal but written differently, such as "1000m" and "1"."""
    try:
        return parse_quantity(str(live)) == parse_quantity(str(desired))
    except ValueError:
        return False
