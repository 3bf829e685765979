"""Reads a job file. Every fault is a sentence that begins with the field as the file names it."""

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
    """Return the job in a YAML file. BadInput with one sentence a line if it isn't valid."""
    document = parse(path)
    faults = faults_of(document)
    if faults:
        raise BadInput(f"{path} is not valid:\n" + "\n".join(f"  {fault}" for fault in faults))
    return Job(name=document["metadata"]["name"], spec=JobSpec.model_validate(document["spec"]))


def parse(path: Path) -> dict[str, Any]:
    """Return the one YAML document in a file."""
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


def faults_of(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with a job, one sentence a fault; nothing if it is valid."""
    faults = [
        f"{field}: must be {wanted}, not {document.get(field)!r}"
        for field, wanted in (("apiVersion", API_VERSION), ("kind", JOB_KIND))
        if document.get(field) != wanted
    ]
    metadata, spec = document.get("metadata"), document.get("spec")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        faults.append("metadata.name: is missing; name the job")
    if not isinstance(spec, dict):
        return [*faults, "spec: is missing; say what to train"]
    try:
        valid = JobSpec.model_validate(spec)
    except ValidationError as error:
        return faults + [explain(details) for details in error.errors()]
    return faults + (list(violations(name, valid)) if isinstance(name, str) and name else [])


def explain(error: ErrorDetails) -> str:
    """Return one fault as a sentence: where it is, what is wrong, and the remedy."""
    return f"{field_path(error['loc'])}: {_fault(error)}"


def field_path(location: Sequence[str | int]) -> str:
    """Return a place in the spec as people write it, such as spec.workers.env[0].name."""
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _fault(error: ErrorDetails) -> str:
    given = error.get("input")
    match error["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"there is no such field{_nearest(error['loc'])}"
        case "literal_error":
            return f"must be {error['ctx']['expected']}, not {given!r}"
        case "string_type" if isinstance(given, int | float):
            return f'must be a string; write it in quotes: "{given}"'
        case "string_pattern_mismatch":
            return f"{given!r} does not look as it must: {error['ctx']['pattern']}"
    message = error["msg"].removeprefix("Input should ").removeprefix("Value error, ")
    return f"must {message}, not {given!r}" if error["msg"].startswith("Input should ") else message


def _nearest(location: Sequence[str | int]) -> str:
    """Return a proposal for a misspelt field, if one is near."""
    names = [field.alias or name for name, field in _fields(location[:-1]).items()]
    near = difflib.get_close_matches(str(location[-1]), names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(names))}" if names else ""


def _fields(location: Sequence[str | int]) -> dict[str, Any]:
    """Return the fields of the type at a place in the spec."""
    kind: type[BaseModel] = JobSpec
    for part in location:
        field = next((field for name, field in kind.model_fields.items() if part in (field.alias, name)), None)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return {}
        kind = field.annotation
    return dict(kind.model_fields)
