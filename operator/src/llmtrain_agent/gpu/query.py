"""Queries to NVML, and what an answer means: a value, unsupported, not available now, or a GPU that is lost."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import pynvml as nvml

Answer = TypeVar("Answer")

UNSUPPORTED = frozenset(
    {
        nvml.NVML_ERROR_NOT_SUPPORTED,
        nvml.NVML_ERROR_FUNCTION_NOT_FOUND,  # the driver is older than the query
        nvml.NVML_ERROR_NO_PERMISSION,
        nvml.NVML_ERROR_DEPRECATED,
        nvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
        nvml.NVML_ERROR_VGPU_ECC_NOT_SUPPORTED,
    }
)
"""Permanent errors: the query is not repeated."""
LOST = frozenset({nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_GPU_NOT_FOUND, nvml.NVML_ERROR_RESET_REQUIRED})
"""Errors of the GPU itself, independent of the query."""

_BLANK_64 = 0x7FFFFFFFFFFFFFF0
_BLANK_32 = range(0x7FFFFFF0, 0x7FFFFFF4)
_NOT_AVAILABLE_32 = 0xFFFFFFFF


class GpuLost(Exception):
    """The GPU does not answer any more."""


def valid_or_none(number: float | None) -> float | None:
    """Return a number, or None for a sentinel that means "no value".

    NVML sets all bits for that. DCGM and some drivers use the largest signed numbers less 15 to 12 (blank, not found,
    not supported, no permission).
    """
    if number is None or not math.isfinite(number) or number >= _BLANK_64:
        return None
    return None if number in _BLANK_32 or number == _NOT_AVAILABLE_32 else number


def scaled(number: float | None, factor: float) -> float | None:
    """Return a number in another unit; None stays None."""
    return None if number is None else number * factor


class NvmlQueries:
    """The queries to one GPU. Unsupported ones are not repeated, because each costs a call into the driver."""

    def __init__(self) -> None:
        self._unsupported: set[tuple[str, int]] = set()

    def query(self, name: str, *functions: Callable[[], Answer], vital: bool = False) -> Answer | None:
        """Return the answer of the first supported function; None if there is none now. Raises GpuLost.

        A `vital` query is one that every working GPU answers: an unknown error then means that the GPU is lost.
        """
        for number, function in enumerate(functions):
            if (name, number) in self._unsupported:
                continue
            try:
                return function()
            except nvml.NVMLError as error:
                if error.value in LOST or (vital and error.value == nvml.NVML_ERROR_UNKNOWN):
                    raise GpuLost from error
                if error.value not in UNSUPPORTED:
                    return None
                self._unsupported.add((name, number))
        return None

    def number(self, name: str, *functions: Callable[[], float]) -> float | None:
        """Return a number, or None if the GPU does not report it. Raises GpuLost."""
        return valid_or_none(self.query(name, *functions))

    def memory(self, name: str, handle: Any, *, vital: bool = False) -> tuple[float | None, float | None]:
        """Return (used, size) of a GPU's or MIG instance's memory in bytes, None where unknown. Raises GpuLost.

        Version 2 of the query, like nvidia-smi, does not count memory that the driver reserves as used.
        """
        memory = self.query(
            name,
            lambda: nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2),
            lambda: nvml.nvmlDeviceGetMemoryInfo(handle),
            vital=vital,
        )
        return (valid_or_none(memory.used), valid_or_none(memory.total)) if memory else (None, None)
