"""Settings from the environment."""

import pytest

from llmtrain_operator.shell.settings import SettingMissingError, Settings

REQUIRED = {
    "LLMTRAIN_COORDINATOR_IMAGE": "operator:1",
    "LLMTRAIN_TRAINER_IMAGE": "trainer:1",
    "LLMTRAIN_TRAINER_CPU_IMAGE": "trainer-cpu:1",
    "LLMTRAIN_NAMESPACE": "llmtrain-system",
}


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
