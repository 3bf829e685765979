"""Readings as metrics, named as in the catalogue of llmtrain_api.metrics.node."""

from collections.abc import Iterable, Iterator, Mapping

from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Metric

Sample = tuple[Metric, float, tuple[str, ...]]
"""A metric, its value, and the values of its labels."""


def samples(readings: Iterable[GpuReading], node: str) -> Iterator[Sample]:
    """Yield what is known. What a GPU doesn't tell has no sample, so that nothing looks idle that is unknown."""
    for reading in readings:
        labels = (node, reading.index)
        if reading.uuid:
            yield metrics.GPU_INFO, 1.0, (*labels, reading.uuid, reading.model)
        yield metrics.GPU_LOST, float(reading.lost), labels
        for metric, value in _numbers(reading):
            if value is not None:
                yield metric, value, labels
        for metric, values in _families(reading):
            for key, value in sorted(values.items()):
                yield metric, float(value), (*labels, key)


def _numbers(reading: GpuReading) -> tuple[tuple[Metric, float | None], ...]:
    return (
        (metrics.GPU_UTILIZATION, reading.utilization_ratio),
        (metrics.GPU_SM_ACTIVE, reading.sm_active_ratio),
        (metrics.GPU_TENSOR_ACTIVE, reading.tensor_active_ratio),
        (metrics.GPU_MEMORY_ACTIVE, reading.memory_active_ratio),
        (metrics.GPU_MEMORY_USED, reading.memory_used_bytes),
        (metrics.GPU_MEMORY, reading.memory_size_bytes),
        (metrics.GPU_TEMPERATURE, reading.temperature_celsius),
        (metrics.GPU_POWER, reading.power_watts),
        (metrics.GPU_POWER_LIMIT, reading.power_limit_watts),
        (metrics.GPU_ENERGY, reading.energy_joules),
    )


def _families(reading: GpuReading) -> tuple[tuple[Metric, Mapping[str, float]], ...]:
    return (
        (metrics.GPU_CLOCK, reading.clock_hertz),
        (metrics.GPU_THROTTLED, reading.throttled),
        (metrics.GPU_ECC_ERRORS, reading.ecc_errors),
        (metrics.GPU_XID_ERRORS, reading.xid_errors),
        (metrics.GPU_PCIE, reading.pcie_bytes_per_second),
        (metrics.GPU_NVLINK, reading.nvlink_bytes),
    )
