"""Generates the CRDs from the types: `python -m llmtrain_api.generate.crd DIRECTORY` writes one file per resource.

Converts pydantic's JSON schema into the structural schema that Kubernetes requires: references are inlined, optional
fields are not nullable, and unsupported keywords are removed.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.cluster_rules import CHANGE_RULES, POOL_RULES, STORAGE_RULES
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.model import Model
from llmtrain_api.names import CLUSTER_KIND, CLUSTER_PLURAL, GROUP, JOB_KIND, JOB_PLURAL, VERSION
from llmtrain_api.rules import IMMUTABLE, IMMUTABLE_WHILE_RUNNING, RULES

Schema = dict[str, Any]

JOB_COLUMNS = (
    ("Stage", "string", ".status.stage", 0, "Stage of the job."),
    ("Step", "integer", ".status.progress.step", 0, "Optimizer steps done."),
    ("Steps", "integer", ".status.progress.steps", 0, "Total number of optimizer steps, once the job trains."),
    ("ETA", "string", ".status.progress.eta", 0, "Estimated time left."),
    ("Loss", "string", ".status.progress.loss", 0, "Training loss of the last step."),
    ("Tokens/s", "integer", ".status.progress.tokensPerSecond", 0, "Training throughput."),
    (
        "Goodput",
        "string",
        ".status.goodput.ratio",
        1,
        "Fraction of the job's lifetime spent on training steps, replays excluded.",
    ),
    ("Pool", "string", ".status.pool", 1, "Compute pool that the pods are placed in."),
    ("Workers", "integer", ".status.workers.active", 1, "Workers that are members of the current generation."),
    ("Perplexity", "string", ".status.model.perplexity", 1, "Held-out perplexity of the trained model."),
    ("Age", "date", ".metadata.creationTimestamp", 0, "Time since the job was created."),
)
CLUSTER_COLUMNS = (
    ("Ready", "string", ".status.conditions[?(@.type=='Ready')].status", 0, "Whether all expected nodes are ready."),
    ("Nodes", "integer", ".status.nodesReady", 0, "Ready nodes."),
    ("Expected", "integer", ".status.nodesExpected", 0, "Expected nodes."),
    ("GPUs", "integer", ".status.gpusCapacity", 0, "Allocatable GPUs of the ready nodes."),
    ("Allocated", "integer", ".status.gpusAllocated", 0, "GPUs requested by pods."),
    ("Age", "date", ".metadata.creationTimestamp", 0, "Time since the LLMCluster was created."),
)


def structural(schema: Schema, definitions: Schema) -> Schema:
    """Return `schema` as a structural schema, with references to `definitions` inlined."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return structural({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    if "anyOf" in schema:
        only = next(option for option in schema["anyOf"] if option.get("type") != "null")
        return structural(
            {**only, **{key: value for key, value in schema.items() if key not in ("anyOf", "default")}}, definitions
        )
    if "properties" in schema and isinstance(schema.get("additionalProperties"), dict):
        return structural(as_map(schema), definitions)
    kept = {key: value for key, value in schema.items() if key in KEPT or key.startswith("x-kubernetes-")}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if "properties" in schema:
        kept["properties"] = {name: structural(child, definitions) for name, child in schema["properties"].items()}
    if "items" in schema:
        kept["items"] = structural(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        values = structural(schema["additionalProperties"], definitions)
        kept["additionalProperties"] = {key: value for key, value in values.items() if key != "description"}
    if kept.get("type") == "integer":
        kept["format"] = "int64"
    if isinstance(kept.get("default"), dict):
        kept["default"] = without_nulls(kept["default"])
    return kept


def as_map(schema: Schema) -> Schema:
    """Return the schema of a `MapModel`, whose description gets a line for each key that the type knows.

    A structural schema cannot have both fields and further keys. Defaults of keys are left to those who read them.
    """
    keys = [f"{name}: {field['description']}" for name, field in schema["properties"].items()]
    others = {name: value for name, value in schema.items() if name not in ("properties", "required")}
    return {**others, "default": {}, "description": "\n".join([schema["description"], *keys])}


def without_nulls(value: Schema) -> Schema:
    """Return a default without the fields that are null."""
    return {
        key: without_nulls(child) if isinstance(child, dict) else child
        for key, child in value.items()
        if child is not None
    }


KEPT = frozenset(
    [
        "type",
        "description",
        "default",
        "enum",
        "format",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "required",
    ]
)


def schema_of(model: type[Model]) -> Schema:
    """Return the structural schema of a type."""
    schema = model.model_json_schema(by_alias=True)
    return structural(schema, schema.get("$defs", {}))


def add_cluster_rules(root: Schema) -> None:
    """Add the rules of list items to the schema of an LLMCluster."""
    for rule in (*POOL_RULES, *STORAGE_RULES, *CHANGE_RULES):
        node = root
        for name in rule.path.split("."):
            node = node["properties"][name]
        rules = node["items"].setdefault("x-kubernetes-validations", [])
        rules.append({"rule": rule.cel, "message": rule.message})


def add_rules(root: Schema) -> None:
    """Add the cross-field rules to the schema of a job."""
    for rule in RULES:
        node = root
        for name in rule.path.split(".") if rule.path else ():
            node = node["properties"][name]
        node.setdefault("x-kubernetes-validations", []).append({"rule": rule.cel, "message": rule.message})
    for field in (*IMMUTABLE, *IMMUTABLE_WHILE_RUNNING):
        root["x-kubernetes-validations"].append({"rule": field.cel, "message": field.message})


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What the CRD of one resource is generated from."""

    kind: str
    plural: str
    short_name: str
    scope: Literal["Namespaced", "Cluster"]
    description: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[tuple[str, str, str, int, str], ...]
    """Columns of `kubectl get`: name, type, path, priority, description."""
    scale: Schema | None = None
    """Paths of the scale subresource, if it has one."""


JOB = Resource(
    kind=JOB_KIND,
    plural=JOB_PLURAL,
    short_name="ltj",
    scope="Namespaced",
    spec=JobSpec,
    status=JobStatus,
    description="A training job: the model to train, its data, and the workers that train it.",
    columns=JOB_COLUMNS,
    scale={
        "specReplicasPath": ".spec.workers.replicas",
        "statusReplicasPath": ".status.workers.ready",
        "labelSelectorPath": ".status.workers.selector",
    },
)
CLUSTER = Resource(
    kind=CLUSTER_KIND,
    plural=CLUSTER_PLURAL,
    short_name="llmc",
    scope="Cluster",
    spec=ClusterSpec,
    status=ClusterStatus,
    description="Compute and storage that a platform team offers for training jobs.",
    columns=CLUSTER_COLUMNS,
)


def definition(resource: Resource) -> Schema:
    """Return the CustomResourceDefinition of a resource."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": resource.scope,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short_name],
                "categories": ["llmtrain"],
            },
            "versions": [version(resource)],
        },
    }


def version(resource: Resource) -> Schema:
    """Return the one version of a resource."""
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}} | ({"scale": resource.scale} if resource.scale else {}),
        "additionalPrinterColumns": [
            {"name": name, "type": type_, "jsonPath": path, "priority": priority, "description": text}
            for name, type_, path, priority, text in resource.columns
        ],
        "schema": {"openAPIV3Schema": object_schema(resource)},
    }


def object_schema(resource: Resource) -> Schema:
    """Return the schema of a whole object."""
    schema: Schema = {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "maxLength": 64},
            "kind": {"type": "string", "maxLength": 64},
            "metadata": {"type": "object"},
            "spec": schema_of(resource.spec),
            "status": schema_of(resource.status),
        },
    }
    if resource.kind == JOB_KIND:
        add_rules(schema)
    else:
        add_cluster_rules(schema)
    return schema


def definitions() -> dict[str, Schema]:
    """Return both CRDs by file name."""
    return {f"{resource.plural}.yaml": definition(resource) for resource in (JOB, CLUSTER)}


class Dumper(yaml.SafeDumper):
    """Writes YAML that parsers of YAML 1.1 and 1.2 read alike. PyYAML would not quote 3e-4, which others read as a number."""


def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Return a scalar, quoted if a parser could read it as a number."""
    style = "'" if text[:1].isdigit() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, quoted)


def render(directory: Path) -> None:
    """Write both CRDs to `directory`."""
    for name, crd in definitions().items():
        text = yaml.dump(crd, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
        (directory / name).write_text(f"# Generated from llmtrain_api by `make render`. Don't edit.\n{text}")


if __name__ == "__main__":
    render(Path(sys.argv[1] if len(sys.argv) > 1 else "crds"))
