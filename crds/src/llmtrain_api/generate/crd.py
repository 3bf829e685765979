"""Makes the CRDs from the types: `python -m llmtrain_api.generate.crd DIRECTORY` writes one file a resource.

Pydantic's JSON schema is turned into the structural schema that Kubernetes wants: references
inlined, optional fields without null, nothing it would reject.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.model import Model
from llmtrain_api.names import CLUSTER_KIND, CLUSTER_PLURAL, GROUP, JOB_KIND, JOB_PLURAL, VERSION
from llmtrain_api.rules import IMMUTABLE, RULES

Schema = dict[str, Any]

JOB_COLUMNS = (
    ("Stage", "string", ".status.stage", 0, "What the job is doing."),
    ("Step", "integer", ".status.progress.step", 0, "Optimizer steps done."),
    ("Steps", "integer", ".spec.training.steps", 0, "Optimizer steps in all."),
    ("ETA", "string", ".status.progress.eta", 0, "Time left."),
    ("Loss", "string", ".status.progress.loss", 0, "Training loss of the last step."),
    ("Tokens/s", "integer", ".status.progress.tokensPerSecond", 0, "Training speed."),
    ("Goodput", "string", ".status.goodput.ratio", 1, "Part of the job's life in which it trained."),
    ("Workers", "integer", ".status.workers.active", 1, "Workers that take part."),
    ("Perplexity", "string", ".status.model.perplexity", 1, "Held-out perplexity of the trained model."),
    ("Age", "date", ".metadata.creationTimestamp", 0, "Time since the job was made."),
)
CLUSTER_COLUMNS = (
    ("Ready", "string", ".status.conditions[?(@.type=='Ready')].status", 0, "Whether all expected nodes are there."),
    ("Nodes", "integer", ".status.nodesReady", 0, "Nodes ready."),
    ("Expected", "integer", ".status.nodesExpected", 0, "Nodes expected."),
    ("GPUs", "integer", ".status.gpusCapacity", 0, "GPUs of the ready nodes."),
    ("Allocated", "integer", ".status.gpusAllocated", 0, "GPUs in use."),
    ("Age", "date", ".metadata.creationTimestamp", 0, "Time since the cluster was made."),
)


def structural(schema: Schema, definitions: Schema) -> Schema:
    """Return `schema` as Kubernetes wants it, references inlined."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return structural({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    if "anyOf" in schema:
        only = next(option for option in schema["anyOf"] if option.get("type") != "null")
        return structural(
            {**only, **{key: value for key, value in schema.items() if key not in ("anyOf", "default")}}, definitions
        )
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


def without_nulls(value: Schema) -> Schema:
    """Return a default without the fields that are unset."""
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


def add_rules(root: Schema) -> None:
    """Write the cross-field rules into the job's schema `root`."""
    for rule in RULES:
        node = root
        for name in rule.path.split(".") if rule.path else ():
            node = node["properties"][name]
        node.setdefault("x-kubernetes-validations", []).append({"rule": rule.cel, "message": rule.message})
    for part in IMMUTABLE:
        root["x-kubernetes-validations"].append({"rule": part.cel, "message": part.message})


def definition(
    *,
    kind: str,
    plural: str,
    short: str,
    scope: str,
    description: str,
    spec: type[Model],
    status: type[Model],
    columns: tuple[tuple[str, str, str, int, str], ...],
    scale: bool,
) -> Schema:
    """Return one CustomResourceDefinition."""
    root: Schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "maxLength": 64},
            "kind": {"type": "string", "maxLength": 64},
            "metadata": {"type": "object"},
            "spec": schema_of(spec),
            "status": schema_of(status),
        },
    }
    if kind == JOB_KIND:
        add_rules(root)
    subresources: Schema = {"status": {}}
    if scale:
        subresources["scale"] = {
            "specReplicasPath": ".spec.workers.replicas",
            "statusReplicasPath": ".status.workers.ready",
            "labelSelectorPath": ".status.workers.selector",
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["llmtrain"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": subresources,
                    "additionalPrinterColumns": [
                        {"name": name, "type": type_, "jsonPath": path, "priority": priority, "description": text}
                        for name, type_, path, priority, text in columns
                    ],
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


def definitions() -> dict[str, Schema]:
    """Return both CRDs by file name."""
    job = definition(
        kind=JOB_KIND,
        plural=JOB_PLURAL,
        short="ltj",
        scope="Namespaced",
        spec=JobSpec,
        status=JobStatus,
        description="A language model to train: what, on which data, with how many workers.",
        columns=JOB_COLUMNS,
        scale=True,
    )
    cluster = definition(
        kind=CLUSTER_KIND,
        plural=CLUSTER_PLURAL,
        short="llmc",
        scope="Cluster",
        spec=ClusterSpec,
        status=ClusterStatus,
        description="The compute and storage that a platform team offers to those who train.",
        columns=CLUSTER_COLUMNS,
        scale=False,
    )
    return {f"{JOB_PLURAL}.yaml": job, f"{CLUSTER_PLURAL}.yaml": cluster}


class Dumper(yaml.SafeDumper):
    """Writes YAML that parsers of YAML 1.1 and 1.2 read alike: PyYAML leaves 3e-4 bare, others read a number."""


def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Return a scalar, in quotes if another parser could take it for a number."""
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
