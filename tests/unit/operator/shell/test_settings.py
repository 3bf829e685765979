"""Settings from the environment."""

import json
from pathlib import Path

import pytest

from llmtrain_operator.shell.settings import SettingMissingError, Settings

REQUIRED = {
    "LLMTRAIN_COORDINATOR_IMAGE": "operator:1",
    "LLMTRAIN_TRAINER_IMAGE": "trainer:1",
    "LLMTRAIN_TRAINER_CPU_IMAGE": "trainer-cpu:1",
    "LLMTRAIN_NAMESPACE": "llmtrain-system",
}


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("k" * 64)
    monkeypatch.setitem(REQUIRED, "LLMTRAIN_KEY_DIRECTORY", str(tmp_path))


def test_without_the_key_of_the_tokens_the_operator_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingMissingError, match="the Helm chart mounts it"):
        Settings.read({**REQUIRED, "LLMTRAIN_KEY_DIRECTORY": str(tmp_path / "nowhere")})


def test_everything_but_images_and_namespace_has_a_default() -> None:
    settings = Settings.read(REQUIRED)
    assert (settings.images.coordinator, settings.namespace) == ("operator:1", "llmtrain-system")
    assert (settings.log_level, settings.metrics_port, settings.health_port) == ("INFO", 8080, 8081)
    assert (settings.images.pull_policy, settings.images.otlp_endpoint) == ("IfNotPresent", "")
    assert settings.identity


def test_the_environment_overrides_the_defaults() -> None:
    settings = Settings.read(
        {**REQUIRED, "LLMTRAIN_LOG_LEVEL": "debug", "LLMTRAIN_METRICS_PORT": "9", "LLMTRAIN_POD_NAME": "operator-1"}
    )
    assert (settings.log_level, settings.metrics_port, settings.identity) == ("DEBUG", 9, "operator-1")


@pytest.mark.parametrize("name", list(REQUIRED))
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_a_required_setting_that_is_missing_is_named(name: str, value: str | None) -> None:
    environment = {key: text for key, text in {**REQUIRED, name: value}.items() if text is not None}
    with pytest.raises(SettingMissingError, match=name):
        Settings.read(environment)


def test_the_peers_of_coordinators_are_those_of_the_chart() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    settings = Settings.read({**REQUIRED, "LLMTRAIN_COORDINATOR_FROM": json.dumps([peer])})
    assert settings.images.coordinator_from == (peer,)
    assert Settings.read({**REQUIRED, "LLMTRAIN_COORDINATOR_FROM": "[]"}).images.coordinator_from == ()
    assert Settings.read(REQUIRED).images.coordinator_from is None


@pytest.mark.parametrize("text", ["{}", "[1]", "not JSON"])
def test_peers_that_are_no_list_of_objects_are_an_error(text: str) -> None:
    with pytest.raises(SettingMissingError, match="LLMTRAIN_COORDINATOR_FROM"):
        Settings.read({**REQUIRED, "LLMTRAIN_COORDINATOR_FROM": text})


@pytest.mark.parametrize(("address", "family"), [("10.1.2.3", "0.0.0.0"), ("fd00::1", "::"), ("", "0.0.0.0")])
def test_probes_are_answered_in_the_family_of_the_pod(address: str, family: str) -> None:
    assert Settings.read({**REQUIRED, "LLMTRAIN_POD_IP": address}).health_address == family
