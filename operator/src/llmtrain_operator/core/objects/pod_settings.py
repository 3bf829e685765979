"""Pod settings: fields of the spec that can change while a job runs, but only for pods that are created afterwards.

Each pod has an annotation with a hash of each of them, so that pods with old values can be named.
"""

import hashlib
import json

from llmtrain_api.job import JobSpec
from llmtrain_api.names import SETTINGS_ANNOTATION
from llmtrain_operator.core.manifest import Manifest, strings_at

ALL_PODS = (
    "workers.nodeSelector",
    "workers.tolerations",
    "workers.annotations",
    "workers.labels",
    "pullSecrets",
    "serviceAccount",
)
"""Fields that concern every pod of a job."""
TRAINERS = (
    "workers.env",
    "workers.envFrom",
    "workers.mounts",
    "workers.sharedMemory",
    "workers.runtimeClass",
)
"""Fields that concern the pods that run the trainer image."""
HASH_LENGTH = 8


def pod_settings(spec: JobSpec, role: str) -> dict[str, str]:
    """Return a hash of each setting of the pods with `role`. Defaults have none, so a new version may add settings."""
    document = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    fields = ALL_PODS if role == "coordinator" else (*ALL_PODS, *TRAINERS)
    values = {field: value_of(document, field) for field in fields}
    return {field: hash_of(value) for field, value in values.items() if value not in (None, {}, [])}


def value_of(document: object, field: str) -> object:
    """Return the value at the path of a field; None if it is not set."""
    for name in field.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def hash_of(value: object) -> str:
    """Return a short hash of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:HASH_LENGTH]


def settings_annotation(spec: JobSpec, role: str) -> dict[str, str]:
    """Return the annotation of a pod with `role`."""
    return {SETTINGS_ANNOTATION: json.dumps(pod_settings(spec, role), sort_keys=True, separators=(",", ":"))}


def settings_of(pod: Manifest) -> dict[str, str] | None:
    """Return the hashes in the annotation of a pod; None if it has none that can be read."""
    try:
        document = json.loads(strings_at(pod, "metadata", "annotations")[SETTINGS_ANNOTATION])
    except (KeyError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
