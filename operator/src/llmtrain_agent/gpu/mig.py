"""The parts of a GPU that is divided (MIG): each has memory of its own, and that is all it tells."""

from collections.abc import Iterator
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.memory import memory_of
from llmtrain_agent.gpu.query import NvmlQueries, valid_or_none
from llmtrain_agent.gpu.reading import GpuReading


def mig_enabled(handle: Any, questions: NvmlQueries) -> bool:
    """Tell whether MIG is on. Raises GpuLost."""
    modes = questions.ask("MIG mode", lambda: nvml.nvmlDeviceGetMigMode(handle))
    return modes is not None and modes[0] == nvml.NVML_DEVICE_MIG_ENABLE


def mig_instances(handle: Any, index: str, names: tuple[str, ...], questions: NvmlQueries) -> Iterator[GpuReading]:
    """Yield the parts there are now of a GPU that has these names beside its UUID. Raises GpuLost."""
    places = questions.ask("MIG places", lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
    for place in range(places):
        part = _part(handle, place, questions)
        if part is not None:
            yield _reading(part, f"{index}:{place}", names, questions)


def _part(handle: Any, place: int, questions: NvmlQueries) -> Any:
    """Return a part's handle. A place without a part is an error of the library's."""
    return questions.ask("MIG part", lambda: nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place))


def _reading(part: Any, index: str, names: tuple[str, ...], questions: NvmlQueries) -> GpuReading:
    memory = memory_of(part, questions, "MIG memory")
    instance = questions.ask("MIG instance", lambda: nvml.nvmlDeviceGetGpuInstanceId(part))
    return GpuReading(
        index=index,
        uuid=questions.ask("MIG UUID", lambda: nvml.nvmlDeviceGetUUID(part)) or "",
        model=questions.ask("MIG model", lambda: nvml.nvmlDeviceGetName(part)) or "",
        device_ids=() if instance is None else tuple(f"{name}/gi{instance}" for name in names),
        memory_used_bytes=valid_or_none(memory.used) if memory else None,
        memory_size_bytes=valid_or_none(memory.total) if memory else None,
    )
