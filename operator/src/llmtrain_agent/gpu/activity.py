"""How busy multiprocessors and tensor cores were, and PCIe's bytes, between two readings.

NVML's GPU performance monitoring (GPM, Hopper and newer) keeps counters; a sample of them costs a
call, and two samples give the mean of the time between, so nothing is missed between two scrapes.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import NvmlQueries, scaled, valid_or_none

SHORTEST_SECONDS = 0.1
"""The library refreshes its counters about this often; samples that are nearer to each other say nothing."""
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
    """Means over the time between the last two samples."""

    sm_ratio: float | None = None
    tensor_ratio: float | None = None
    pcie_bytes_per_second: Mapping[str, float] = field(default_factory=dict)


NOTHING = Activity()


class ActivityMonitor:
    """Samples one GPU at each reading."""

    def __init__(self, handle: Any, questions: NvmlQueries, clock: Callable[[], float]) -> None:
        self._handle, self._questions, self._clock = handle, questions, clock
        self._samples: list[Any] = []
        self._since: float | None = None
        self._last = NOTHING
        if questions.ask("GPM", lambda: nvml.nvmlGpmQueryDeviceSupport(handle).isSupportedDevice):
            allocated = [questions.ask("GPM sample", nvml.nvmlGpmSampleAlloc) for _ in range(2)]
            self._samples = [sample for sample in allocated if sample is not None]
        self._request = nvml.c_nvmlGpmMetricsGet_t()
        self._request.version = nvml.NVML_GPM_METRICS_GET_VERSION
        self._request.numMetrics = len(METRICS)
        for place, metric in enumerate(METRICS):
            self._request.metrics[place].metricId = metric

    def read(self) -> Activity:
        """Return what was since the last reading; nothing at the first. Raises GpuLost."""
        if len(self._samples) < 2:
            return NOTHING
        now = self._clock()
        if self._since is not None and now - self._since < SHORTEST_SECONDS:
            return self._last
        before, after = self._samples
        if self._questions.ask("GPM sample", lambda: nvml.nvmlGpmSampleGet(self._handle, after)) is None:
            self._since, self._last = None, NOTHING
            return NOTHING
        self._samples.reverse()
        self._last = self._between(before, after) if self._since is not None else NOTHING
        self._since = now
        return self._last

    def _between(self, before: Any, after: Any) -> Activity:
        self._request.sample1, self._request.sample2 = before, after
        if self._questions.ask("GPM metrics", lambda: nvml.nvmlGpmMetricsGet(self._request)) is None:
            return NOTHING
        values = {
            metric: valid_or_none(answer.value)
            for metric, answer in zip(METRICS, self._request.metrics, strict=False)
            if answer.nvmlReturn == nvml.NVML_SUCCESS
        }
        traffic = {"received": scaled(values.get(RECEIVED), MIB), "sent": scaled(values.get(SENT), MIB)}
        return Activity(
            sm_ratio=scaled(values.get(SM), 0.01),
            tensor_ratio=scaled(values.get(TENSOR), 0.01),
            pcie_bytes_per_second={way: rate for way, rate in traffic.items() if rate is not None},
        )

    def close(self) -> None:
        """Free the samples' memory, which is the library's."""
        for sample in self._samples:
            with suppress(nvml.NVMLError):
                nvml.nvmlGpmSampleFree(sample)
        self._samples = []
