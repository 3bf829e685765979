"""What the API server rejects in an object of a custom resource: its fields are judged by the schema in the CRD."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from llmtrain_api.generate.crd import definitions
from llmtrain_api.names import CLUSTER_KIND, JOB_KIND

Schema = dict[str, Any]

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "object": dict,
    "array": list,
    "integer": int,
    "number": (int, float),
}
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
INTEGERS = {"int32": 2**31, "int64": 2**63}
"""The magnitude of the smallest integer of a format."""
SCHEMAS: dict[str, Schema] = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for crd in definitions().values()
}
assert set(SCHEMAS) == {JOB_KIND, CLUSTER_KIND}


def violations(kind: str, part: Literal["spec", "status"], value: Any) -> list[str]:
    """Return what the API server would reject in the spec or the status of an object; empty if it accepts it."""
    return list(judge(SCHEMAS[kind]["properties"][part], value, part))


def judge(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Yield each place at which a value does not fit a schema."""
    is_flag = isinstance(value, bool)
    if not isinstance(value, TYPES[schema["type"]]) or is_flag != (schema["type"] == "boolean"):
        yield f"{path}: {value!r:.60} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r:.60} is none of {schema['enum']}"
    if isinstance(value, str):
        yield from judge_text(schema, value, path)
    elif isinstance(value, dict):
        yield from judge_fields(schema, value, path)
    elif isinstance(value, list):
        yield from out_of_bounds(schema, "Items", len(value), path)
        for number, item in enumerate(value):
            yield from judge(schema["items"], item, f"{path}[{number}]")
    else:
        limit = INTEGERS.get(schema.get("format", ""), value + 1 if value >= 0 else -value)
        if not max(schema.get("minimum", value), -limit) <= value <= min(schema.get("maximum", value), limit - 1):
            yield f"{path}: {value!r:.60} is out of bounds"


def judge_text(schema: Schema, text: str, path: str) -> Iterator[str]:
    """Yield what is wrong with a text, which must also be valid UTF-8."""
    yield from out_of_bounds(schema, "Length", len(text), path)
    if "pattern" in schema and not re.search(schema["pattern"], text):
        yield f"{path}: {text!r:.60} does not match {schema['pattern']}"
    if schema.get("format") == "date-time" and not is_date_time(text):
        yield f"{path}: {text!r:.60} is no date-time"
    if any("\ud800" <= character <= "\udfff" for character in text):
        yield f"{path}: {text!r:.60} is no UTF-8"


def judge_fields(schema: Schema, fields: dict[str, Any], path: str) -> Iterator[str]:
    """Yield what is wrong with an object. A field that the schema does not know is dropped by the API server."""
    yield from out_of_bounds(schema, "Properties", len(fields), path)
    for name in schema.get("required", ()):
        if name not in fields:
            yield f"{path}.{name}: missing"
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, value in fields.items():
        if (child := known.get(name, others)) is not None:
            yield from judge(child, value, f"{path}.{name}")


def out_of_bounds(schema: Schema, what: str, size: int, path: str) -> Iterator[str]:
    """Yield a text if a length or number is not within the bounds of a schema."""
    if not schema.get(f"min{what}", 0) <= size <= schema.get(f"max{what}", size):
        yield f"{path}: {size} is out of bounds of {what}"


def is_date_time(text: str) -> bool:
    """Return whether a text is a date-time of OpenAPI."""
    try:
        return bool(DATE_TIME.fullmatch(text)) and bool(datetime.fromisoformat(text[:19].upper()))
    except ValueError:
        return False
