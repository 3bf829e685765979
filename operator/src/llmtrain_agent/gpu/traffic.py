"""Bytes over NVLink and PCIe, from the counters that one call gives together.

nvmlDeviceGetPcieThroughput isn't used: each call measures for 20 ms, a third of a second for 8 GPUs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import GONE, UNSUPPORTED, GpuLost, NvmlQueries, valid_or_none
from llmtrain_agent.gpu.rate import CounterSample, bytes_per_second

KIB = 1024
ALL_LINKS = 2**32 - 1
"""The scope that asks for the sum over all links."""
Field = tuple[int, int]
"""A field of NVML and its scope."""
NVLINK: dict[Field, str] = {
    (nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ALL_LINKS): "received",
    (nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ALL_LINKS): "sent",
}
PCIE: dict[Field, str] = {
    (nvml.NVML_FI_DEV_PCIE_COUNT_RX_BYTES, 0): "received",
    (nvml.NVML_FI_DEV_PCIE_COUNT_TX_BYTES, 0): "sent",
}
_MEMBER = {
    nvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
    nvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
    nvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
    nvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
    nvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
    nvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
    nvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
}


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """By direction: received, sent."""

    nvlink_bytes: Mapping[str, float] = field(default_factory=dict)
    pcie_bytes_per_second: Mapping[str, float] = field(default_factory=dict)


class TrafficMeter:
    """Reads one GPU's counters; keeps PCIe's last ones, as its metric is a rate."""

    def __init__(self, handle: Any, questions: NvmlQueries) -> None:
        self._handle, self._questions = handle, questions
        self._fields: list[Field] = [*NVLINK, *PCIE]
        self._before: dict[str, CounterSample] = {}

    def read(self) -> Traffic:
        """Return the bytes so far, and the rates since the last reading. Raises GpuLost."""
        counts = dict(self._counts())
        pcie = {way: counts[name] for name, way in PCIE.items() if name in counts}
        rates = {way: bytes_per_second(self._before.get(way), count) for way, count in pcie.items()}
        self._before = pcie
        return Traffic(
            nvlink_bytes={way: counts[name].count_bytes * KIB for name, way in NVLINK.items() if name in counts},
            pcie_bytes_per_second={way: rate for way, rate in rates.items() if rate is not None},
        )

    def _counts(self) -> Iterator[tuple[Field, CounterSample]]:
        asked = tuple(self._fields)
        answers = self._questions.ask("fields", lambda: nvml.nvmlDeviceGetFieldValues(self._handle, asked))
        for name, answer in zip(asked, answers or (), strict=False):
            if answer.nvmlReturn in GONE:
                raise GpuLost
            if answer.nvmlReturn in UNSUPPORTED:
                self._fields.remove(name)
            elif answer.nvmlReturn == nvml.NVML_SUCCESS and answer.valueType in _MEMBER:
                number = valid_or_none(getattr(answer.value, _MEMBER[answer.valueType]))
                if number is not None:
                    yield name, CounterSample(count_bytes=number, time_us=answer.timestamp)
