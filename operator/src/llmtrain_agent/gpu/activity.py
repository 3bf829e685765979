"""How busy multiprocessors and tensor cores were, and PCIe traffic, between two readings.

NVML's GPU performance monitoring (GPM, Hopper and newer) keeps counters. A sample of them costs one call, and two
samples give the mean of the time between, so nothing is missed between two scrapes.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import NvmlQueries, scaled, valid_or_none

MIN_INTERVAL_SECONDS = 0.1
"""About how often NVML refreshes the counters; two samples within this time contain nothing new."""
MIB = 2**20
SM, TENSOR, SENT, RECEIVED = (
    nvml.NVML_GPM_METRIC_SM_UTIL,
    nvml.NVML_GPM_METRIC_ANY_TENSOR_UTIL,
    nvml.NVML_GPM_METRIC_PCIE_TX_PER_SEC,
    nvml.NVML_GPM_METRIC_PCIE_RX_PER_SEC,
)
METRICS = (SM, TENSOR, SENT, RECEIVED)


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Means over the time between the last two samples; None where unknown."""

    sm_ratio: float | None = None
    tensor_ratio: float | None = None
    pcie_bytes_per_second: Mapping[str, float] = field(default_factory=dict)
    """By direction: received, sent."""


UNKNOWN = Activity()


class ActivityMonitor:
    """Samples one GPU at each reading."""

    def __init__(self, handle: Any, queries: NvmlQueries, clock: Callable[[], float]) -> None:
        self._handle, self._queries, self._clock = handle, queries, clock
        self._samples: list[Any] = []
        self._sampled_at_seconds: float | None = None
        self._latest = UNKNOWN
        if queries.query("GPM", lambda: nvml.nvmlGpmQueryDeviceSupport(handle).isSupportedDevice):
            allocated = [queries.query("GPM sample", nvml.nvmlGpmSampleAlloc) for _ in range(2)]
            self._samples = [sample for sample in allocated if sample is not None]
        self._request = nvml.c_nvmlGpmMetricsGet_t()
        self._request.version = nvml.NVML_GPM_METRICS_GET_VERSION
        self._request.numMetrics = len(METRICS)
        for position, metric in enumerate(METRICS):
            self._request.metrics[position].metricId = metric

    def read(self) -> Activity:
        """Return the activity since the previous reading; unknown at the first one. Raises GpuLost."""
        if len(self._samples) < 2:
            return UNKNOWN
        now = self._clock()
        if self._sampled_at_seconds is not None and now - self._sampled_at_seconds < MIN_INTERVAL_SECONDS:
            return self._latest
        before, after = self._samples
        if self._queries.query("GPM sample", lambda: nvml.nvmlGpmSampleGet(self._handle, after)) is None:
            self._sampled_at_seconds, self._latest = None, UNKNOWN
            return UNKNOWN
        self._samples.reverse()
        self._latest = self._between(before, after) if self._sampled_at_seconds is not None else UNKNOWN
        self._sampled_at_seconds = now
        return self._latest

    def _between(self, before: Any, after: Any) -> Activity:
        self._request.sample1, self._request.sample2 = before, after
        if self._queries.query("GPM metrics", lambda: nvml.nvmlGpmMetricsGet(self._request)) is None:
            return UNKNOWN
        values = {
            metric: valid_or_none(answer.value)
            for metric, answer in zip(METRICS, self._request.metrics, strict=False)
            if answer.nvmlReturn == nvml.NVML_SUCCESS
        }
        traffic = {"received": scaled(values.get(RECEIVED), MIB), "sent": scaled(values.get(SENT), MIB)}
        return Activity(
            sm_ratio=scaled(values.get(SM), 0.01),
            tensor_ratio=scaled(values.get(TENSOR), 0.01),
            pcie_bytes_per_second={direction: rate for direction, rate in traffic.items() if rate is not None},
        )

    def close(self) -> None:
        """Free the samples, whose memory NVML owns."""
        for sample in self._samples:
            with suppress(nvml.NVMLError):
                nvml.nvmlGpmSampleFree(sample)
        self._samples = []
