"""Writes what the chart takes from the contract: `python charts/render.py`, which `make render` calls.

The CRDs become exact copies in files/crds, rules and alerts a file in files/rules,
dashboards files in files/dashboards, and the spec of an LLMCluster becomes a definition of
values.schema.json, so that a default cluster that the API server would refuse fails at `helm install`.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from llmtrain_api.generate.rule_file import rule_groups
from llmtrain_dashboards.grafana import DASHBOARDS, dashboard_json

REPOSITORY = Path(__file__).parents[1]
CRDS = REPOSITORY / "crds"
CHART = REPOSITORY / "charts" / "llmtrain"
VALUES_SCHEMA = CHART / "values.schema.json"

RULES = CHART / "files" / "rules" / "rules.yaml"
RUNBOOK = "RUNBOOK_URL"
"""Stands in the rule file for what a value of the chart says."""

Schema = dict[str, Any]


def closed(schema: Schema) -> Schema:
    """Return a structural schema as plain JSON schema that refuses unknown fields, as the API server does."""
    kept = {key: value for key, value in schema.items() if key != "format" and not key.startswith("x-kubernetes-")}
    if "properties" in kept:
        kept["properties"] = {name: closed(child) for name, child in kept["properties"].items()}
        kept["additionalProperties"] = False
    if "items" in kept:
        kept["items"] = closed(kept["items"])
    return kept


def cluster_spec() -> Schema:
    """Return the schema of an LLMCluster's spec, read from its CRD."""
    crd = yaml.safe_load((CRDS / "llmclusters.yaml").read_text())
    root: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return closed(root["properties"]["spec"])


def values_schema() -> str:
    """Return values.schema.json with today's LLMCluster in it."""
    schema = json.loads(VALUES_SCHEMA.read_text())
    schema["definitions"]["clusterSpec"] = cluster_spec()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def crd_copies() -> dict[Path, str]:
    """Return the chart's copies of the CRDs by path."""
    return {CHART / "files" / "crds" / crd.name: crd.read_text() for crd in sorted(CRDS.glob("*.yaml"))}


def rules() -> str:
    """Return the rule groups; the template puts the value of metrics.prometheusRule.runbookUrl in."""
    return yaml.safe_dump(rule_groups(RUNBOOK), sort_keys=False, allow_unicode=True, width=110)


def dashboards() -> dict[Path, str]:
    """Return Grafana's dashboards by path."""
    return {CHART / "files" / "dashboards" / f"{board.uid}.json": dashboard_json(board) for board in DASHBOARDS}


def rendered() -> dict[Path, str]:
    """Return every generated file of the chart by path."""
    return {VALUES_SCHEMA: values_schema(), **crd_copies(), RULES: rules(), **dashboards()}


if __name__ == "__main__":
    for path, text in rendered().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
