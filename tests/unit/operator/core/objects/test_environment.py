"""Environment variables of the pods' containers."""

from typing import Any

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.pods import EnvironmentSource
from llmtrain_operator.core.objects.environment import environment, environment_sources, with_visible_devices
from unit.operator.builders import job

ALL_DEVICES = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}


def spec(*env: dict[str, Any]) -> JobSpec:
    return job(workers={"replicas": 2, "env": list(env)}).spec


def test_defaults_come_first_and_the_pods_fields_last() -> None:
    found = environment(spec({"name": "A", "value": "1"}), LLMTRAIN_WORKER="0")
    assert [variable["name"] for variable in found] == [
        *("HOME", "USER", "A"),
        *("LLMTRAIN_WORKER", "LLMTRAIN_ADDRESS", "LLMTRAIN_NODE"),
    ]


def test_home_can_be_written_and_a_job_can_name_another() -> None:
    assert {"name": "HOME", "value": "/tmp"} in environment(spec())
    found = [
        variable for variable in environment(spec({"name": "HOME", "value": "/data"})) if variable["name"] == "HOME"
    ]
    assert found == [{"name": "HOME", "value": "/data"}]


def test_a_value_can_come_from_a_secret_or_a_config_map() -> None:
    found = environment(
        spec({"name": "A", "secret": "hub", "key": "token"}, {"name": "B", "configMap": "logging", "key": "level"})
    )
    assert {"name": "A", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}} in found
    assert {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "logging", "key": "level"}}} in found


def test_all_keys_of_a_secret_or_a_config_map_can_become_variables() -> None:
    sources = (EnvironmentSource(secret="hub"), EnvironmentSource(config_map="flags", prefix="APP_"))
    assert environment_sources(sources) == (
        {"secretRef": {"name": "hub"}},
        {"prefix": "APP_", "configMapRef": {"name": "flags"}},
    )


@pytest.mark.parametrize(
    "resources", [{}, {"cpu": "1"}, {"amd.com/gpu": "8"}, {"nvidia.com/hostdev": "1"}, {"nvidia.com/resnet0": "1"}]
)
def test_a_container_without_gpus_sees_none_whatever_the_job_says(resources: dict[str, str]) -> None:
    found = with_visible_devices(({"name": "A", "value": "1"}, ALL_DEVICES), resources)
    assert found == ({"name": "A", "value": "1"}, {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"})


@pytest.mark.parametrize("resource", ["nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb"])
def test_the_device_plugin_chooses_the_gpus_of_a_container(resource: str) -> None:
    assert with_visible_devices(({"name": "A", "value": "1"}, ALL_DEVICES), {resource: "1"}) == (
        {"name": "A", "value": "1"},
    )
