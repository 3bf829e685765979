"""Which fields of the spec a pod was created with."""

from typing import Any

import pytest

from llmtrain_api.names import SETTINGS_ANNOTATION
from llmtrain_operator.core.objects.pod_settings import pod_settings, settings_annotation, settings_of
from unit.operator.builders import job


def settings(role: str = "worker", **spec: Any) -> dict[str, str]:
    return pod_settings(job(**spec).spec, role)


def test_defaults_have_no_hash() -> None:
    assert settings() == settings("coordinator") == {}
    assert settings(workers={"replicas": 5, "env": [], "resources": {"cpu": "2"}}) == {}


def test_each_setting_has_a_hash_of_its_own() -> None:
    found = settings(workers={"labels": {"a": "b"}, "runtimeClass": "nvidia"}, pullSecrets=["s"])
    assert found.keys() == {"workers.labels", "workers.runtimeClass", "pullSecrets"}
    changed = settings(workers={"labels": {"a": "c"}, "runtimeClass": "nvidia"}, pullSecrets=["s"])
    assert {field for field in found if found[field] != changed[field]} == {"workers.labels"}


def test_the_coordinator_has_no_hash_of_what_only_programs_get() -> None:
    workers = {"labels": {"a": "b"}, "env": [{"name": "A", "value": "1"}]}
    assert settings("worker", workers=workers).keys() == {"workers.labels", "workers.env"}
    assert settings("coordinator", workers=workers).keys() == {"workers.labels"}


def test_a_pod_holds_its_settings() -> None:
    spec = job(pullSecrets=["registry"]).spec
    pod = {"metadata": {"annotations": settings_annotation(spec, "worker")}}
    assert settings_of(pod) == pod_settings(spec, "worker")


@pytest.mark.parametrize(
    "annotations", [None, {}, {SETTINGS_ANNOTATION: "x"}, {SETTINGS_ANNOTATION: "[]"}, {SETTINGS_ANNOTATION: 3}]
)
def test_settings_that_cannot_be_read_are_not_known(annotations: Any) -> None:
    assert settings_of({"metadata": {"annotations": annotations}}) is None
