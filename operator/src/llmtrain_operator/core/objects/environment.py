"""Environment variables of the pods' containers."""

from collections.abc import Iterable, Mapping
from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.pods import EnvironmentSource, EnvironmentVariable
from llmtrain_operator.core.objects.volumes import TMP_DIRECTORY

GPU_RESOURCES = ("nvidia.com/gpu", "nvidia.com/mig-")
"""What the names of GPUs begin with: whole, shared (`nvidia.com/gpu.shared`) or divided. Adapters have other names."""
VISIBLE_DEVICES = "NVIDIA_VISIBLE_DEVICES"
"""Variable by which NVIDIA's container runtime selects GPUs. Device plugins set it in pods with GPUs."""
DEFAULTS = {"HOME": TMP_DIRECTORY, "USER": "llmtrain"}
"""Libraries keep caches below HOME, and PyTorch names some of them after USER, which an arbitrary user id has not."""
POD_FIELDS = {"LLMTRAIN_ADDRESS": "status.podIP", "LLMTRAIN_NODE": "spec.nodeName"}

Variables = tuple[dict[str, Any], ...]


def environment(spec: JobSpec, **variables: str) -> Variables:
    """Return the variables of a trainer container: defaults, those of the job, then `variables` and the pod's fields.

    Each variable is there once; later ones replace earlier ones.
    """
    listed = (
        *({"name": name, "value": value} for name, value in DEFAULTS.items()),
        *map(user_variable, spec.workers.env),
        *({"name": name, "value": value} for name, value in variables.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in POD_FIELDS.items()),
    )
    return tuple({variable["name"]: variable for variable in listed}.values())


def user_variable(variable: EnvironmentVariable) -> dict[str, Any]:
    """Return a variable of the job: a value, or a reference to a Secret or ConfigMap."""
    if variable.secret is not None:
        return {"name": variable.name, "valueFrom": {"secretKeyRef": {"name": variable.secret, "key": variable.key}}}
    if variable.config_map is not None:
        reference = {"name": variable.config_map, "key": variable.key}
        return {"name": variable.name, "valueFrom": {"configMapKeyRef": reference}}
    return {"name": variable.name, "value": variable.value}


def environment_sources(sources: Iterable[EnvironmentSource]) -> Variables:
    """Return the items of `envFrom`."""
    return tuple(
        {
            **({"prefix": source.prefix} if source.prefix else {}),
            **({"secretRef": {"name": source.secret}} if source.secret is not None else {}),
            **({"configMapRef": {"name": source.config_map}} if source.config_map is not None else {}),
        }
        for source in sources
    )


def with_visible_devices(variables: Variables, resources: Mapping[str, str]) -> Variables:
    """Return `variables` for a container with these resource limits: without GPUs it sees none, whatever the job says.

    A runtime that trusts the variable would show all GPUs of the node to a container that requests none. With GPUs the
    device plugin sets it, and a value here would replace that one.
    """
    others = tuple(variable for variable in variables if variable["name"] != VISIBLE_DEVICES)
    has_gpus = any(name.startswith(GPU_RESOURCES) for name in resources)
    return others if has_gpus else (*others, {"name": VISIBLE_DEVICES, "value": "void"})
