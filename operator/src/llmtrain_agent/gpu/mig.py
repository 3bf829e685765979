"""MIG instances of a GPU: each has its own memory, the only value that it reports."""

from collections.abc import Iterator
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import NvmlQueries
from llmtrain_agent.gpu.reading import GpuReading


def mig_enabled(handle: Any, queries: NvmlQueries) -> bool:
    """Return whether MIG is enabled. Raises GpuLost."""
    modes = queries.query("MIG mode", lambda: nvml.nvmlDeviceGetMigMode(handle))
    return modes is not None and modes[0] == nvml.NVML_DEVICE_MIG_ENABLE


def mig_instances(handle: Any, index: str, device_ids: tuple[str, ...], queries: NvmlQueries) -> Iterator[GpuReading]:
    """Yield the current instances of the GPU with `index`, which has these ids in addition to its UUID. Raises GpuLost."""
    count = queries.query("MIG count", lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
    for number in range(count):
        instance = _instance(handle, number, queries)
        if instance is not None:
            yield _reading(instance, f"{index}:{number}", device_ids, queries)


def _instance(handle: Any, number: int, queries: NvmlQueries) -> Any:
    """Return an instance's handle; NVML reports an error if there is none with this number."""
    return queries.query("MIG handle", lambda: nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number))


def _reading(instance: Any, index: str, device_ids: tuple[str, ...], queries: NvmlQueries) -> GpuReading:
    used_bytes, size_bytes = queries.memory("MIG memory", instance)
    instance_id = queries.query("MIG instance id", lambda: nvml.nvmlDeviceGetGpuInstanceId(instance))
    return GpuReading(
        index=index,
        uuid=queries.query("MIG UUID", lambda: nvml.nvmlDeviceGetUUID(instance)) or "",
        model=queries.query("MIG model", lambda: nvml.nvmlDeviceGetName(instance)) or "",
        device_ids=() if instance_id is None else tuple(f"{name}/gi{instance_id}" for name in device_ids),
        memory_used_bytes=used_bytes,
        memory_size_bytes=size_bytes,
    )
