"""Validates a job as the API server does. Every error begins with the path of the field in the file."""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from llmtrain_api.generate.crd import Schema, schema_of
from llmtrain_api.job import JobSpec
from llmtrain_api.names import API_VERSION, JOB_KIND
from llmtrain_api.personal_patterns import pattern_errors
from llmtrain_api.rules import violations
from llmtrain_cli.kubernetes_yaml import plain_value

Written = Mapping[tuple[str | int, ...], str]
"""How scalars are written in the file, by their path."""
SPEC_SCHEMA: Schema = schema_of(JobSpec)
TOP_FIELDS = frozenset(["apiVersion", "kind", "metadata", "spec", "status"])
METADATA_FIELDS = frozenset(
    "name namespace labels annotations finalizers ownerReferences managedFields generateName uid resourceVersion generation "
    "selfLink creationTimestamp deletionTimestamp deletionGracePeriodSeconds".split()
)
"""Fields of Kubernetes' ObjectMeta."""


def validation_errors(document: Mapping[str, Any], written: Written | None = None) -> list[str]:
    """Return the validation errors of a job, one string each; empty if it is valid.

    `written` is how scalars are written in the file, by their path.
    """
    errors = [
        f"{field}: must be {expected}, not {document.get(field)!r}"
        for field, expected in (("apiVersion", API_VERSION), ("kind", JOB_KIND))
        if document.get(field) != expected
    ]
    errors += [f"{field}: there is no such field; remove it" for field in sorted(document.keys() - TOP_FIELDS)]
    errors += _metadata_errors(document.get("metadata"))
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return [*errors, "spec: is missing; add the specification of the training"]
    try:
        valid = parse_spec(spec)
    except ValidationError as error:
        return errors + [format_error(details, written or {}) for details in error.errors()]
    name = name_of(document)
    return [*errors, *(violations(name, valid) if name else ()), *pattern_errors(valid.data.personal_patterns)]


def name_of(document: Mapping[str, Any]) -> str:
    """Return the name of an object; empty if it has none."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def parse_spec(spec: dict[str, Any]) -> JobSpec:
    """Return a spec as the API server would take it: types are not converted. ValidationError if it is not valid."""
    document = json.dumps(without_nulls(spec, SPEC_SCHEMA))
    return JobSpec.model_validate_json(document, strict=True, by_alias=True, by_name=False)


def without_nulls(value: Any, schema: Schema) -> Any:
    """Return a value without the fields that are null: for the API server they are not set."""
    if isinstance(value, dict):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        schemas = {key: fields.get(key, others) for key in value}
        return {
            key: without_nulls(child, schemas[key] or {})
            for key, child in value.items()
            if child is not None or schemas[key] is None
        }
    if isinstance(value, list):
        return [without_nulls(item, schema.get("items", {})) for item in value]
    return value


def _metadata_errors(metadata: object) -> list[str]:
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or name is None or name == "":
        return ["metadata.name: is missing; name the job"]
    errors = [
        f"metadata.{field}: there is no such field; remove it" for field in sorted(metadata.keys() - METADATA_FIELDS)
    ]
    texts = {"name": name, "namespace": metadata.get("namespace") or ""}
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        if not isinstance(values, dict | None):
            errors.append(f"metadata.{field}: must be a map of text; correct it")
            continue
        texts |= {f"{field}.{key}": value for key, value in (values or {}).items()}
    return errors + [
        f"metadata.{field}: must be text, not {value!r}; write it in quotes"
        for field, value in texts.items()
        if not isinstance(value, str | None)
    ]


def format_error(error: ErrorDetails, written: Written) -> str:
    """Return a pydantic error in one line: the field, what is wrong, and the remedy."""
    return f"{field_path(error['loc'])}: {_problem(error, written)}"


def field_path(location: Sequence[str | int]) -> str:
    """Return the path of a field in the file, such as spec.workers.env[0].name."""
    return "spec" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in location)


def _problem(error: ErrorDetails, written: Written) -> str:
    value = error.get("input")
    match error["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"there is no such field{_suggestion(error['loc'])}"
        case "literal_error":
            return f"must be {error['ctx']['expected']}, not {value!r}"
        case "string_type" if isinstance(value, int | float):
            return f'must be a string; write it in quotes: "{written.get(("spec", *error["loc"]), value)}"'
        case "int_type" | "bool_type" if isinstance(value, str) and type(plain_value(value)) in (int, bool):
            return f"must not be text; remove the quotes: {value}"
        case "string_pattern_mismatch":
            return f"{value!r} does not match the pattern {error['ctx']['pattern']}"
    message = error["msg"].removeprefix("Input should ").removeprefix("Value error, ")
    return f"must {message}, not {value!r}" if error["msg"].startswith("Input should ") else message


def _suggestion(location: Sequence[str | int]) -> str:
    """Return a suggestion for an unknown field: the closest name, or all names."""
    names = [field.alias or name for name, field in _fields(location[:-1]).items()]
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; the fields are {', '.join(sorted(names))}" if names else ""


def _fields(location: Sequence[str | int]) -> dict[str, Any]:
    """Return the fields of the model at a location in the spec; empty if it is not a model."""
    model: type[BaseModel] = JobSpec
    for key in location:
        field = next((field for name, field in model.model_fields.items() if key in (field.alias, name)), None)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return {}
        model = field.annotation
    return dict(model.model_fields)
