"""The chart's generated files are up to date, and its permissions are minimal. Needs no Helm."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "llmtrain"


@pytest.fixture(scope="module")
def render() -> ModuleType:
    """Return the module charts/render.py."""
    found = importlib.util.spec_from_file_location("chart_render", REPOSITORY / "charts" / "render.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def golden(name: str) -> list[dict[str, Any]]:
    """Return the objects of a golden file."""
    text = (Path(__file__).parent / "golden" / f"{name}.yaml").read_text()
    return [document for document in yaml.safe_load_all(text) if document]


def objects_of(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the objects of one kind in a golden file."""
    return [each for each in golden(name) if each["kind"] == kind]


def test_generated_files_are_up_to_date(render: ModuleType) -> None:
    for path, text in render.rendered().items():
        assert path.read_text() == text, f"{path.name}: run `make render`"


def test_crd_copies_are_exact() -> None:
    copies = CHART / "files" / "crds"
    originals = sorted((REPOSITORY / "crds").glob("*.yaml"))
    assert [path.name for path in sorted(copies.iterdir())] == [path.name for path in originals]
    for path in originals:
        assert (copies / path.name).read_bytes() == path.read_bytes()


def test_crds_have_one_line_for_the_metadata() -> None:
    """The template adds labels as text after the one line `metadata:` at the margin."""
    for path in (CHART / "files" / "crds").iterdir():
        assert path.read_text().count("\nmetadata:\n") == 1


def test_all_values_have_a_schema(render: ModuleType) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = yaml.safe_load(render.values_schema())
    assert set(values) == set(schema["properties"]) - {"global"}
    assert schema["additionalProperties"] is False


RULES = [
    pytest.param(role, rule, id=f"{role['kind']} {role['metadata']['name']} {','.join(rule['resources'])}")
    for role in [*objects_of("defaults", "ClusterRole"), *objects_of("defaults", "Role")]
    for rule in role["rules"]
]


@pytest.mark.parametrize(("role", "rule"), RULES)
def test_permissions_have_no_wildcards(role: dict[str, Any], rule: dict[str, Any]) -> None:
    assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


@pytest.mark.parametrize(("role", "rule"), RULES)
def test_permissions_exclude_reading_secrets_and_escalation(role: dict[str, Any], rule: dict[str, Any]) -> None:
    assert not set(rule["apiGroups"]) & {"rbac.authorization.k8s.io", "authentication.k8s.io", "apps"}
    assert "secrets" not in rule["resources"] or rule["verbs"] == ["create"]
    forbidden = {"serviceaccounts", "serviceaccounts/token", "pods/exec", "pods/attach", "nodes/proxy"}
    assert not set(rule["resources"]) & forbidden
    assert not set(rule["verbs"]) & {"escalate", "bind", "impersonate"}


def test_the_operator_cannot_write_the_specs_of_users() -> None:
    operator = next(role for role in objects_of("defaults", "ClusterRole") if "operator" in role["metadata"]["name"])
    verbs = {
        verb
        for rule in operator["rules"]
        for verb in rule["verbs"]
        if set(rule["resources"]) & {"llmtrainingjobs", "llmclusters"}
    }
    assert verbs == {"get", "list", "watch", "delete"}


@pytest.mark.parametrize("name", ["defaults", "everything"])
def test_the_operator_pod_is_restricted(name: str) -> None:
    pod = objects_of(name, "Deployment")[0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "cpu" not in container["resources"]["limits"]


@pytest.mark.parametrize("name", ["defaults", "everything"])
def test_the_operator_gets_its_settings_from_the_environment(name: str) -> None:
    (container,) = objects_of(name, "Deployment")[0]["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["LLMTRAIN_COORDINATOR_IMAGE"] == container["image"]
    assert set(environment) == {
        "LLMTRAIN_NAMESPACE",
        "LLMTRAIN_POD_NAME",
        "LLMTRAIN_POD_IP",
        "LLMTRAIN_COORDINATOR_IMAGE",
        "LLMTRAIN_TRAINER_IMAGE",
        "LLMTRAIN_TRAINER_CPU_IMAGE",
        "LLMTRAIN_IMAGE_PULL_POLICY",
        "LLMTRAIN_LOG_LEVEL",
        *(["LLMTRAIN_OTLP_ENDPOINT"] if name == "everything" else ["LLMTRAIN_COORDINATOR_FROM"]),
    }


def test_a_digest_overrides_a_tag() -> None:
    (container,) = objects_of("everything", "Deployment")[0]["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("example.org/llmtrain/operator@sha256:")
