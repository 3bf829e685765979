"""Writes the generated files of the chart: `python charts/render.py`, which `make render` calls.

These are copies of the CRDs in files/crds, rules and alerts in files/rules, dashboards in files/dashboards, and a definition
of values.schema.json for the spec of an LLMCluster, so that `helm install` rejects a default cluster that the API server
would reject.
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
"""Placeholder in the rule file, which the template replaces by metrics.prometheusRule.runbookUrl."""

Schema = dict[str, Any]


def closed(schema: Schema) -> Schema:
    """Return a structural schema as plain JSON schema that rejects unknown fields, as the API server does."""
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
    """Return values.schema.json with the current spec of an LLMCluster."""
    schema = json.loads(VALUES_SCHEMA.read_text())
    schema["definitions"]["clusterSpec"] = cluster_spec()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def crd_copies() -> dict[Path, str]:
    """Return the chart's copies of the CRDs by path."""
    return {CHART / "files" / "crds" / crd.name: crd.read_text() for crd in sorted(CRDS.glob("*.yaml"))}


def rules() -> str:
    """Return the rule groups, with a placeholder for the address of the runbook."""
    return yaml.safe_dump(rule_groups(RUNBOOK), sort_keys=False, allow_unicode=True, width=110)


def dashboards() -> dict[Path, str]:
    """Return the dashboards as Grafana's JSON, by path."""
    return {
        CHART / "files" / "dashboards" / f"{dashboard.uid}.json": dashboard_json(dashboard) for dashboard in DASHBOARDS
    }


def rendered() -> dict[Path, str]:
    """Return every generated file of the chart by path."""
    return {VALUES_SCHEMA: values_schema(), **crd_copies(), RULES: rules(), **dashboards()}


if __name__ == "__main__":
    for path, text in rendered().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
