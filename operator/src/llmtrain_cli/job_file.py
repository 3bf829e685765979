"""Reads and validates a job file. Every validation error begins with the path of the field in the file."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from llmtrain_api.job import JobSpec
from llmtrain_api.names import API_VERSION, JOB_KIND
from llmtrain_api.rules import violations
from llmtrain_cli.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Job:
    """A valid job."""

    name: str
    spec: JobSpec


def read_job(path: Path) -> Job:
    """Return the job in a YAML file. BadInput with one line per error if it is not valid."""
    document = parse(path)
    errors = validation_errors(document)
    if errors:
        raise BadInput(f"{path} is not valid:\n" + "\n".join(f"  {error}" for error in errors))
    return Job(name=document["metadata"]["name"], spec=JobSpec.model_validate(document["spec"]))


def parse(path: Path) -> dict[str, Any]:
    """Return the single YAML document in a file. BadInput if there is none, several, or no YAML."""
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text()) if document is not None]
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}; give the path of a job file.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not a text file; give the path of a job file.") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise BadInput(f"{path} holds {len(documents)} documents; a job file holds one {JOB_KIND}.")
    return cast(dict[str, Any], documents[0])


def validation_errors(document: dict[str, Any]) -> list[str]:
    """Return the validation errors of a job, one string each; empty if it is valid."""
    errors = [
        f"{field}: must be {expected}, not {document.get(field)!r}"
        for field, expected in (("apiVersion", API_VERSION), ("kind", JOB_KIND))
        if document.get(field) != expected
    ]
    metadata, spec = document.get("metadata"), document.get("spec")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        errors.append("metadata.name: is missing; name the job")
    if not isinstance(spec, dict):
        return [*errors, "spec: is missing; add the specification of the training"]
    try:
        valid = JobSpec.model_validate(spec)
    except ValidationError as error:
        return errors + [format_error(details) for details in error.errors()]
    return errors + (list(violations(name, valid)) if isinstance(name, str) and name else [])


def format_error(error: ErrorDetails) -> str:
    """Return a pydantic error in one line: the field, what is wrong, and the remedy."""
    return f"{field_path(error['loc'])}: {_problem(error)}"


def field_path(location: Sequence[str | int]) -> str:
    """Return the path of a field in the file, such as spec.workers.env[0].name."""
    return "spec" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in location)


def _problem(error: ErrorDetails) -> str:
    value = error.get("input")
    match error["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"there is no such field{_suggestion(error['loc'])}"
        case "literal_error":
            return f"must be {error['ctx']['expected']}, not {value!r}"
        case "string_type" if isinstance(value, int | float):
            return f'must be a string; write it in quotes: "{value}"'
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
