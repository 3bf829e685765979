"""Reference pages of both resources, from the schemas of their CRDs: fields, defaults, bounds and rules."""

import json
from collections.abc import Iterator
from typing import Any

from llmtrain_api.generate.crd import Schema, definitions
from llmtrain_api.generate.markdown import code, page, table
from llmtrain_api.names import API_VERSION, CLUSTER_KIND, CLUSTER_PLURAL, JOB_KIND, JOB_PLURAL
from llmtrain_api.rules import IMMUTABLE, RULES

RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " entries"),
)
"""Pairs of bounds of a schema, and their unit."""


def job_page() -> str:
    """Return docs/reference/job.md."""
    root = _root(f"{JOB_PLURAL}.yaml")
    rules = ((f"`{rule.field}`", rule.message, code(rule.cel)) for rule in RULES)
    immutable = ", ".join(f"`spec.{part.field}`" for part in IMMUTABLE)
    return page(
        JOB_KIND,
        f"`apiVersion: {API_VERSION}`, `kind: {JOB_KIND}`, short name `ltj`. {root['description']} "
        "`kubectl explain ltj.spec` shows the same descriptions.",
        *_sections(root),
        "## Rules",
        "The API server evaluates these CEL expressions at `kubectl apply`. `llmtrain validate` and local mode check the "
        "same rules.",
        table(("Field", "Message", "CEL"), rules),
        "## Immutable fields",
        f"These fields cannot change once `status.startTime` is set: {immutable}.",
    )


def cluster_page() -> str:
    """Return docs/reference/cluster.md."""
    root = _root(f"{CLUSTER_PLURAL}.yaml")
    return page(
        CLUSTER_KIND,
        f"`apiVersion: {API_VERSION}`, `kind: {CLUSTER_KIND}`, short name `llmc`, cluster-scoped. {root['description']}",
        *_sections(root),
    )


def _root(file: str) -> Schema:
    schema: Schema = definitions()[file]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _sections(root: Schema) -> Iterator[str]:
    """Yield a heading, a description and a table of fields for each object of a resource."""
    for top in ("spec", "status"):
        for path, schema in _objects(top, root["properties"][top]):
            yield f"{'##' if path == top else '###'} {path}"
            yield schema["description"]
            required = schema.get("required", ())
            yield table(
                ("Field", "Type", "Default", "Bounds", "Description"),
                (_field(name, child, name in required) for name, child in schema["properties"].items()),
            )


def _objects(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every object with declared fields, with its path: `[]` marks the items of a list."""
    if "properties" in schema:
        yield path, schema
        for name, child in schema["properties"].items():
            yield from _objects(f"{path}.{name}", child)
    elif "items" in schema:
        yield from _objects(f"{path}[]", schema["items"])


def _field(name: str, schema: Schema, required: bool) -> tuple[str, str, str, str, str]:
    description = schema.get("description", "").replace("\n", "<br>")
    return code(name), _type(schema), _default(schema, required), _bounds(schema), description


def _type(schema: Schema) -> str:
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map to {_type(schema['additionalProperties'])}"
    return str(schema["type"])


def _default(schema: Schema, required: bool) -> str:
    if required:
        return "required"
    value: Any = schema.get("default")
    if value in (None, "", [], {}) or "properties" in schema:
        return ""
    return code(json.dumps(value) if not isinstance(value, str) else value)


def _bounds(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(code(str(value)) if value else "empty" for value in schema["enum"])
    own = [
        _range(schema.get(low), schema.get(high)) + unit for low, high, unit in RANGES if schema.keys() & {low, high}
    ]
    own += [f"matches `{schema['pattern']}`"] if "pattern" in schema else []
    inner = schema.get("items", schema.get("additionalProperties", {}))
    of_items = _bounds(inner) if inner and "properties" not in inner else ""
    return "; ".join([*own, *([f"each {of_items}"] if of_items else [])])


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"
