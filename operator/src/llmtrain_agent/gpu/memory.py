"""A GPU's memory, or that of a part of it."""

from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import NvmlQueries


def memory_of(handle: Any, questions: NvmlQueries, name: str, *, vital: bool = False) -> Any:
    """Return `used` and `total` in bytes, None where they aren't told. Raises GpuLost.

    The second version doesn't count what the driver keeps for itself as used, as nvidia-smi doesn't.
    """
    return questions.ask(
        name,
        lambda: nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2),
        lambda: nvml.nvmlDeviceGetMemoryInfo(handle),
        vital=vital,
    )
