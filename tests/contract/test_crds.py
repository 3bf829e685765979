"""The CRDs are up to date, and their schemas are documented, bounded and structural."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmtrain_api.generate.crd import definitions, render

REPOSITORY = Path(__file__).parents[2]
Schema = dict[str, Any]
CRDS = definitions()
MAX_FIELDS = 160
"""Fields of a job's spec, so that a reader can know them all."""


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every schema below one, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


def nodes(*, of_type: str = "") -> list[Any]:
    """Return spec and status of both CRDs as test parameters, one for each schema in them."""
    found = []
    for crd in CRDS.values():
        kind = crd["spec"]["names"]["kind"]
        root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for part in ("spec", "status"):
            found += [
                pytest.param(schema, id=f"{kind}.{part}{path}")
                for path, schema in walk(root["properties"][part])
                if of_type in ("", schema["type"])
            ]
    return found


def test_the_spec_of_a_job_has_few_fields() -> None:
    """Each field at any depth counts, those of items and of the values of maps too."""
    root = CRDS["llmtrainingjobs.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields = [path for path, _ in walk(root["properties"]["spec"]) if path and not path.endswith(("[]", "{}"))]
    assert len(fields) <= MAX_FIELDS, "replace fields, or put them where one exists"


@pytest.mark.parametrize("name", CRDS)
def test_the_file_is_up_to_date(name: str, tmp_path: Path) -> None:
    render(tmp_path)
    assert (REPOSITORY / "crds" / name).read_bytes() == (tmp_path / name).read_bytes(), "run `make render`"


def test_there_are_no_other_files() -> None:
    assert {path.name for path in (REPOSITORY / "crds").glob("*.yaml")} == set(CRDS)


def test_every_field_is_described() -> None:
    bare = [
        node.id
        for node in nodes()
        if not node.id.endswith(("[]", "{}")) and len(node.values[0].get("description", "")) < 8
    ]
    assert not bare


@pytest.mark.parametrize(
    ("of_type", "bound"), [("string", "maxLength"), ("array", "maxItems"), ("object", "maxProperties")]
)
def test_strings_lists_and_maps_have_bounds(of_type: str, bound: str) -> None:
    """The API server estimates the cost of CEL rules by them, and etcd limits the size of objects."""
    unbounded = [
        node.id
        for node in nodes(of_type=of_type)
        if bound not in node.values[0] and "enum" not in node.values[0] and "properties" not in node.values[0]
    ]
    assert not unbounded


def test_numbers_of_the_spec_have_bounds() -> None:
    unbounded = [
        node.id for node in nodes(of_type="integer") if ".status" not in node.id and "maximum" not in node.values[0]
    ]
    assert not unbounded


def test_there_are_no_floats() -> None:
    """Kubernetes APIs avoid them, because clients round them differently."""
    assert not nodes(of_type="number")


def test_everything_is_structural() -> None:
    allowed = {"string", "integer", "boolean", "array", "object"}
    assert {node.values[0]["type"] for node in nodes()} <= allowed
    odd = ("anyOf", "oneOf", "allOf", "$ref", "nullable", "title")
    assert not [node.id for node in nodes() for word in odd if word in node.values[0]]


@pytest.mark.parametrize("crd", CRDS.values(), ids=lambda crd: crd["spec"]["names"]["kind"])
def test_defaults_of_objects_are_complete(crd: Schema) -> None:
    """The API server validates a default before it applies the defaults of its fields."""
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, schema in walk(root):
        if isinstance(schema.get("default"), dict) and "properties" in schema:
            inner = {name for name, child in schema["properties"].items() if "default" in child}
            assert inner <= set(schema["default"]), path


def test_strings_that_look_like_numbers_are_quoted() -> None:
    """PyYAML reads 3e-4 as a string, Go's parser as a number."""
    for name in CRDS:
        text = (REPOSITORY / "crds" / name).read_text()
        plain = [token for token in yaml.scan(text) if isinstance(token, yaml.ScalarToken) and token.plain]
        assert not [token.value for token in plain if is_number(token.value) and not token.value.isdigit()]


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_rules_read_only_fields_that_exist() -> None:
    """A rule that reads an absent field rejects every job: the field needs a default, or the rule needs has()."""
    for path, schema in walk_all():
        for rule in schema.get("x-kubernetes-validations", []):
            for name in re.findall(r"\bself\.(\w+)", rule["rule"]):
                field = schema["properties"][name]
                sure = name in ("metadata", *schema.get("required", [])) or "default" in field
                assert sure or f"has(self.{name})" in rule["rule"], f"{path}: {rule['rule']}"


def test_messages_of_rules_start_with_the_field_and_fit_the_api() -> None:
    rules = [rule for _, schema in walk_all() for rule in schema.get("x-kubernetes-validations", [])]
    assert rules
    for rule in rules:
        assert rule["message"].startswith(("spec.", "metadata."))
        assert len(rule["message"]) <= 2048
        assert "\n" not in rule["message"]


def walk_all() -> Iterator[tuple[str, Schema]]:
    for crd in CRDS.values():
        yield from walk(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


@pytest.mark.parametrize("crd", [pytest.param(crd, id=name) for name, crd in CRDS.items()])
def test_each_condition_can_have_an_owner_of_its_own(crd: Schema) -> None:
    status = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    conditions = status["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert "type" in conditions["items"]["required"]


def test_job_can_be_scaled() -> None:
    version = CRDS["llmtrainingjobs.yaml"]["spec"]["versions"][0]
    assert version["subresources"]["scale"]["specReplicasPath"] == ".spec.workers.replicas"


def test_columns_name_fields_that_exist() -> None:
    for crd in CRDS.values():
        version = crd["spec"]["versions"][0]
        known = {path for path, _ in walk(version["schema"]["openAPIV3Schema"])}
        for column in version["additionalPrinterColumns"]:
            path = column["jsonPath"].partition("[?")[0]
            assert path in known or path.startswith(".metadata."), column["name"]
