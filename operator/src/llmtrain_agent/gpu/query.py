"""What an answer of the library means: a value, never one, not now, or a GPU that is gone."""

import math
from collections.abc import Callable
from typing import TypeVar

import pynvml as nvml

Answer = TypeVar("Answer")

UNSUPPORTED = frozenset(
    {
        nvml.NVML_ERROR_NOT_SUPPORTED,
        nvml.NVML_ERROR_FUNCTION_NOT_FOUND,  # the driver is older than the question
        nvml.NVML_ERROR_NO_PERMISSION,
        nvml.NVML_ERROR_DEPRECATED,
        nvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
        nvml.NVML_ERROR_VGPU_ECC_NOT_SUPPORTED,
    }
)
"""Errors that stay: the question isn't asked again."""
GONE = frozenset({nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_GPU_NOT_FOUND, nvml.NVML_ERROR_RESET_REQUIRED})
"""Errors that are of the GPU, whatever was asked."""

_BLANK_64 = 0x7FFFFFFFFFFFFFF0
_BLANK_32 = range(0x7FFFFFF0, 0x7FFFFFF4)
_NOT_AVAILABLE_32 = 0xFFFFFFFF


class GpuLost(Exception):
    """The GPU does not answer any more."""


def valid_or_none(number: float | None) -> float | None:
    """Return a number, or None for one that stands for "no value".

    NVML has all bits set for that, and DCGM and drivers beside it the largest signed number less
    15 to 12 (blank, not found, not supported, no permission).
    """
    if number is None or not math.isfinite(number) or number >= _BLANK_64:
        return None
    return None if number in _BLANK_32 or number == _NOT_AVAILABLE_32 else number


def scaled(number: float | None, factor: float) -> float | None:
    """Return a known number in another unit."""
    return None if number is None else number * factor


class NvmlQueries:
    """The questions to one GPU. Those it can't answer aren't asked again, as each costs a call into the driver."""

    def __init__(self) -> None:
        self._never: set[tuple[str, int]] = set()

    def ask(self, name: str, *ways: Callable[[], Answer], vital: bool = False) -> Answer | None:
        """Return the answer that the first supported way gives; None where there is none now. Raises GpuLost.

        An unknown error is a lost GPU where it meets a vital question, one that each GPU that lives answers.
        """
        for number, way in enumerate(ways):
            if (name, number) in self._never:
                continue
            try:
                return way()
            except nvml.NVMLError as error:
                if error.value in GONE or (vital and error.value == nvml.NVML_ERROR_UNKNOWN):
                    raise GpuLost from error
                if error.value not in UNSUPPORTED:
                    return None
                self._never.add((name, number))
        return None

    def number(self, name: str, *ways: Callable[[], float]) -> float | None:
        """Return a number, None where the GPU doesn't say. Raises GpuLost."""
        return valid_or_none(self.ask(name, *ways))
