"""GPU readings as samples of the metrics in llmtrain_api.metrics.node."""

from collections.abc import Iterable, Iterator, Mapping

from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Metric, Sample


def samples(readings: Iterable[GpuReading], node: str) -> Iterator[Sample]:
    """Yield the known values. An unknown value has no sample, because a 0 would look like an idle GPU."""
    for reading in readings:
        labels = (node, reading.index)
        if reading.uuid:
            yield Sample(metrics.GPU_INFO, (*labels, reading.uuid, reading.model), 1.0)
        yield Sample(metrics.GPU_LOST, labels, float(reading.lost))
        for metric, value in _single_values(reading):
            if value is not None:
                yield Sample(metric, labels, value)
        for metric, values in _values_by_label(reading):
            for label, value in sorted(values.items()):
                yield Sample(metric, (*labels, label), float(value))


def _single_values(reading: GpuReading) -> tuple[tuple[Metric, float | None], ...]:
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


def _values_by_label(reading: GpuReading) -> tuple[tuple[Metric, Mapping[str, float]], ...]:
    return (
        (metrics.GPU_CLOCK, reading.clock_hertz),
        (metrics.GPU_THROTTLED, reading.throttled),
        (metrics.GPU_ECC_ERRORS, reading.ecc_errors),
        (metrics.GPU_XID_ERRORS, reading.xid_errors),
        (metrics.GPU_PCIE, reading.pcie_bytes_per_second),
        (metrics.GPU_NVLINK, reading.nvlink_bytes),
    )
