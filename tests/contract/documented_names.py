"""The names that README and docs can use: fields, values, events, reasons, metrics, variables and paths."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from contract.documented import ROOT, Undocumented
from contract.documented_kubectl import CRDS, field_schema
from llmtrain_api import events
from llmtrain_api.alerting import dcgm
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.conditions import ClusterCondition, JobCondition, Reason
from llmtrain_api.data import Columns
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_api.model import Model
from llmtrain_api.protocol import Message
from support.markdown import Page

PACKAGES = {path.name for path in ROOT.glob("*/src/llmtrain*")}
METRICS = {metric.name for metric in CATALOGUE} | {rule.record for rule in (*RECORDINGS, *dcgm.RECORDINGS)}
LOG_EVENTS = {
    str(event)
    for events_of in (events.AgentEvent, events.CoordinatorEvent, events.OperatorEvent, events.TrainerEvent)
    for event in events_of
}
ALERT_NAMES = {alert.name for alert in ALERTS}
NAMES_OF_OTHERS = {
    "GenericWorkload": "feature gate of Kubernetes",
    "brokenRecord": "key of `status.dataset.badRecords`",
    **dict.fromkeys(("noNumber", "tagCount", "wrongAnswer"), "key of `status.dataset.badRecords`"),
    **dict.fromkeys(
        (
            "entityF1",
            "entityPrecision",
            "entityRecall",
            "exactMatch",
            "meanMae",
            "meanMse",
            "mostFrequentTagAccuracy",
            "mostFrequentTagEntityF1",
            "noAnswerExactMatch",
            "noAnswerF1",
        ),
        "key of `status.model.metrics`",
    ),
    **dict.fromkeys(("mostFrequentTag", "noAnswer"), "beginning of keys of `status.model.metrics`"),
    **dict.fromkeys(("copyBleu", "copyChrf", "firstWordsRouge1"), "key of `status.model.metrics`"),
    "firstWords": "beginning of keys of `status.model.metrics`",
    **dict.fromkeys(("AutoModelForSeq2SeqLM", "AutoTokenizer"), "class of `transformers`"),
    **dict.fromkeys(("integratedGradients", "strengthOfNothing"), "key of evaluation.json"),
    "Hostname": "label of DCGM exporter",
    "hostPID": "field of a pod",
    "majorityAccuracy": "key of `status.model.metrics`",
    **dict.fromkeys(
        ("hitRate", "popularHitRate", "popularNdcg", "nextHitRate", "nextNdcg", "chanceLoss", "mostFrequentAccuracy"),
        "key of `status.model.metrics`",
    ),
    **dict.fromkeys(("noUser", "noItem", "noTime"), "key of `status.dataset.badRecords`"),
    "majorityF1": "key of `status.model.metrics`",
    "noLabel": "key of `status.dataset.badRecords`",
    "noText": "key of `status.dataset.badRecords`",
    "topologyKey": "field that a decision record rejects",
    "topologySpreadConstraints": "field of a pod",
    "vVERSION": "tag of a release",
}
OUTPUTS = {
    "build/dashboards/",
    "checkpoints/",
    "saved.json",
    "tensorboard/",
    "dataset.json",
    "report.json",
    "evaluation.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "llmtrain.json",
}
"""Folders and files that tests or jobs write."""
FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*(?:\.(?:py|md|ya?ml|toml|lock|mod|json|c)|/)")


def is_word(code: str) -> bool:
    """Return whether inline code is a name in CamelCase, whose parts show that it is no English word."""
    return re.fullmatch(r"[a-z]+(?:[A-Z][a-z0-9]*)+|(?:[A-Z]+[a-z][a-z0-9]*)+[A-Z]*", code) is not None


@cache
def known_words() -> frozenset[str]:
    """Return fields and values of the resources, the chart and the protocol, events, conditions, reasons, alerts, kinds."""
    values = json.loads((ROOT / "charts" / "llmtrain" / "values.schema.json").read_text())
    declared = {*JobCondition, *ClusterCondition, *Reason}
    kinds = {crd["spec"]["names"]["kind"] for crd in CRDS}
    messages = (message.model_json_schema() for message in Message.__subclasses__())
    words = {word for schema in (*CRDS, values, *messages) for word in _schema_words(schema)}
    return frozenset({*words, *LOG_EVENTS, *map(str, declared), *ALERT_NAMES, *kinds, *NAMES_OF_OTHERS})


def _schema_words(schema: Any) -> Iterator[str]:
    """Yield the names of all fields, and the values of all enumerations, of a schema."""
    if isinstance(schema, dict):
        for key, inner in schema.items():
            yield from inner if key == "properties" and isinstance(inner, dict) else ()
            yield from map(str, inner) if key == "enum" else ()
            yield from _schema_words(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _schema_words(inner)


@cache
def python_names() -> frozenset[str]:
    """Return the names of classes, functions, variables and fields of all packages."""
    found = set()
    for path in ROOT.glob("*/src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.Name(id=name) | ast.arg(arg=name):
                    found.add(name)
    return frozenset(found)


def is_field(path: str) -> bool:
    """Return whether one of the two resources has a field, such as `spec.workers`, or a map a key that is known."""
    parent, _, key = path.rpartition(".")
    if parent == "spec.data.columns":
        return key in Columns.model_fields
    for resource in ("ltj", "llmc"):
        try:
            field_schema(resource, path)
        except Undocumented:
            continue
        return True
    return False


def path_exists(name: str, page: Page) -> bool:
    """Return whether a path exists: below the repository's root or the page, in a package, or as a file that is tracked."""
    if name in OUTPUTS or name in page.saved or name.startswith(("/", "~", ".llmtrain/")):
        return True
    roots = [ROOT, page.path.parent, *ROOT.glob("*/src"), *ROOT.glob("*/src/*")]
    if any(list(root.glob(name.rstrip("/"))) for root in roots):
        return True
    return "/" not in name and any(list(ROOT.glob(f"{folder}/**/{name}")) for folder in FOLDERS)


FOLDERS = ("charts", "crds", "docs", "examples", "images", "operator", "requirements", "tests", "trainer")
"""Where a file can be that a text names without its folder."""


def leaves(model: type[Model], prefix: str = "") -> list[str]:
    """Return the paths of all fields of a type that are no types with fields themselves."""
    found = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Model):
            found += leaves(inner, f"{path}.")
        else:
            found.append(path)
    return found
