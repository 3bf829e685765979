"""Checks documented YAML blocks against the types and rules of the resources, or the schema of the chart's values."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from contract.documented_kubectl import field_schema
from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job import JobSpec
from llmtrain_api.names import API_VERSION, CLUSTER_KIND, JOB_KIND
from llmtrain_api.rules import violations

VALUES_SCHEMA = Path(__file__).parents[2] / "charts" / "llmtrain" / "values.schema.json"
JSON_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
POD_FIELDS = {"restartPolicy", "securityContext", "containers", "volumes"}


def yaml_faults(text: str) -> list[str]:
    """Return the errors of a YAML block, one sentence each."""
    return [fault for document in yaml.safe_load_all(text) for fault in _document_faults(document)]


def _document_faults(document: dict[str, Any]) -> Iterator[str]:
    match document.get("kind"):
        case None:
            yield from schema_faults(document, json.loads(VALUES_SCHEMA.read_text()), "values")
        case str(kind) if kind == JOB_KIND:
            assert document["apiVersion"] == API_VERSION
            spec = JobSpec.model_validate(document["spec"], strict=True)
            yield from violations(document["metadata"]["name"], spec)
            yield from repeated_keys(document["spec"], field_schema("ltj", "spec"), "spec")
        case str(kind) if kind == CLUSTER_KIND:
            assert document["apiVersion"] == API_VERSION
            ClusterSpec.model_validate(document["spec"], strict=True)
            yield from repeated_keys(document["spec"], field_schema("llmc", "spec"), "spec")
        case "Pod":
            yield from _pod_faults(document)
        case kind:
            yield f"no rule covers the kind {kind}"


def repeated_keys(value: object, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the items of a list of the resource that have the same key, which the API server rejects."""
    if isinstance(value, list):
        keys = schema.get("x-kubernetes-list-map-keys", ())
        seen = [tuple(item.get(key) for key in keys) for item in value] if keys else []
        yield from (f"{path} has {key} twice" for key in sorted({key for key in seen if seen.count(key) > 1}))
        for index, item in enumerate(value):
            yield from repeated_keys(item, schema.get("items", {}), f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from repeated_keys(inner, schema.get("properties", {}).get(name, {}), f"{path}.{name}")


def _pod_faults(pod: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a pod: fields that no page needs, and mounts without a volume."""
    spec = pod["spec"]
    yield from (f"spec.{field} is not covered" for field in set(spec) - POD_FIELDS)
    mounted = {mount["name"] for container in spec["containers"] for mount in container["volumeMounts"]}
    if mounted != {volume["name"] for volume in spec["volumes"]}:
        yield f"volumes and mounts differ: {mounted}"


def schema_faults(value: object, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Yield where a value breaks a JSON schema, by the keywords that bound the chart's values."""
    types = schema.get("type", [])
    allowed = tuple(JSON_TYPES[name] for name in ([types] if isinstance(types, str) else types) if name in JSON_TYPES)
    if allowed and not isinstance(value, allowed):
        yield f"{path}: {value!r} is not of type {types}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from schema_faults(one, schema.get("items", {}), f"{path}[{index}]")
    if isinstance(value, dict):
        for key, one in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
            if inner is False:
                yield f"{path}.{key} does not exist"
            elif isinstance(inner, dict):
                yield from schema_faults(one, inner, f"{path}.{key}")
