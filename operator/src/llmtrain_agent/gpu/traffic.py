"""NVLink and PCIe traffic, from byte counters that one call returns together.

nvmlDeviceGetPcieThroughput is not used: each call measures for 20 ms, a third of a second for 8 GPUs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import LOST, UNSUPPORTED, GpuLost, NvmlQueries, valid_or_none

KIB = 1024
WRAP_BYTES = 2**32
"""Where a counter of 32 bits wraps to 0."""
ALL_LINKS = 2**32 - 1
"""The scope of the sum over all links."""
Field = tuple[int, int]
"""An NVML field and its scope."""
NVLINK: dict[Field, str] = {
    (nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ALL_LINKS): "received",
    (nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ALL_LINKS): "sent",
}
PCIE: dict[Field, str] = {
    (nvml.NVML_FI_DEV_PCIE_COUNT_RX_BYTES, 0): "received",
    (nvml.NVML_FI_DEV_PCIE_COUNT_TX_BYTES, 0): "sent",
}
_UNION_MEMBER = {
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
    """Traffic of one GPU by direction: received, sent."""

    nvlink_bytes: Mapping[str, float] = field(default_factory=dict)
    pcie_bytes_per_second: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CounterSample:
    """The value of a byte counter and its time in microseconds."""

    count_bytes: float
    time_us: int


def bytes_per_second(before: CounterSample | None, after: CounterSample) -> float | None:
    """Return the rate between two samples of a counter, or None if it is unknown.

    NVML documents only that PCIe counters "can be wrapped". A counter of 32 bits wraps within a second at PCIe's speed,
    unnoticed between two scrapes, so a counter is trusted once it has exceeded 2^32.
    """
    if before is None or before.count_bytes < WRAP_BYTES or after.count_bytes < before.count_bytes:
        return None
    if after.time_us <= before.time_us:
        return None
    return (after.count_bytes - before.count_bytes) / (after.time_us - before.time_us) * 1e6


class TrafficMeter:
    """Reads one GPU's counters, and keeps the previous PCIe samples to compute rates."""

    def __init__(self, handle: Any, queries: NvmlQueries) -> None:
        self._handle, self._queries = handle, queries
        self._fields: list[Field] = [*NVLINK, *PCIE]
        self._before: dict[str, CounterSample] = {}

    def read(self) -> Traffic:
        """Return the bytes so far, and the rates since the previous reading. Raises GpuLost."""
        samples = dict(self._samples())
        pcie = {direction: samples[name] for name, direction in PCIE.items() if name in samples}
        rates = {direction: bytes_per_second(self._before.get(direction), after) for direction, after in pcie.items()}
        self._before = pcie
        return Traffic(
            nvlink_bytes={
                direction: samples[name].count_bytes * KIB for name, direction in NVLINK.items() if name in samples
            },
            pcie_bytes_per_second={direction: rate for direction, rate in rates.items() if rate is not None},
        )

    def _samples(self) -> Iterator[tuple[Field, CounterSample]]:
        fields = tuple(self._fields)
        answers = self._queries.query("fields", lambda: nvml.nvmlDeviceGetFieldValues(self._handle, fields))
        for name, answer in zip(fields, answers or (), strict=False):
            if answer.nvmlReturn in LOST:
                raise GpuLost
            if answer.nvmlReturn in UNSUPPORTED:
                self._fields.remove(name)
            elif answer.nvmlReturn == nvml.NVML_SUCCESS and answer.valueType in _UNION_MEMBER:
                number = valid_or_none(getattr(answer.value, _UNION_MEMBER[answer.valueType]))
                if number is not None:
                    yield name, CounterSample(count_bytes=number, time_us=answer.timestamp)
