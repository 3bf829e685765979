"""One GPU: queries each value separately, so that an unsupported one does not affect the others."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.activity import ActivityMonitor
from llmtrain_agent.gpu.mig import mig_enabled, mig_instances
from llmtrain_agent.gpu.query import GpuLost, NvmlQueries, scaled, valid_or_none
from llmtrain_agent.gpu.reading import GpuReading, Identity
from llmtrain_agent.gpu.traffic import TrafficMeter
from llmtrain_agent.gpu.xid import XidEvents

MEGA = 1e6
MILLI = 1e-3
PERCENT = 0.01
CLOCKS = {"sm": nvml.NVML_CLOCK_SM, "memory": nvml.NVML_CLOCK_MEM}
ECC = {"corrected": nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, "uncorrected": nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED}
THROTTLE_REASONS: dict[str, int] = {
    "power": nvml.nvmlClocksEventReasonSwPowerCap | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
    "thermal": nvml.nvmlClocksEventReasonSwThermalSlowdown | nvml.nvmlClocksEventReasonHwThermalSlowdown,
    "hardware": nvml.nvmlClocksEventReasonHwSlowdown
    | nvml.nvmlClocksEventReasonHwThermalSlowdown
    | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
}
"""Bit masks of nvmlDeviceGetCurrentClocksEventReasons.

`hardware`: the board itself reduces the clocks to a half or less, for heat or power; software limits are not included.
Clocks that are low because the GPU is idle, or because they are configured so, do not count as throttled.
"""


def throttled(bits: int | None) -> dict[str, bool]:
    """Return whether each reason applies; empty if the GPU does not report reasons."""
    return {} if bits is None else {reason: bool(bits & mask) for reason, mask in THROTTLE_REASONS.items()}


class Device:
    """A GPU over the agent's lifetime, even while it is lost or NVML's handle of it changes."""

    def __init__(self, identity: Identity, clock: Callable[[], float]) -> None:
        self.identity = identity
        self._clock = clock
        self._open: _OpenDevice | None = None
        self._xid_counts: Counter[str] = Counter()
        self._instances: tuple[GpuReading, ...] = ()
        self._device_ids: tuple[str, ...] = ()

    def open(self, handle: Any) -> None:
        """Use a new handle, and try again what was unsupported with the previous one."""
        try:
            self._open = _OpenDevice(handle, self._clock, self._xid_counts)
        except GpuLost:
            self._open = None

    def close(self) -> None:
        """Free what NVML keeps for this GPU."""
        if self._open:
            self._open.close()
        self._open = None

    def read(self) -> tuple[GpuReading, ...]:
        """Return the GPU and its MIG instances. A lost GPU is returned with the instances that it had."""
        try:
            reading, self._instances = self._current().read(self.identity)
            self._device_ids = reading.device_ids
        except GpuLost:
            reading = GpuReading(**vars(self.identity), lost=True)
            self._instances = tuple(_lost(instance) for instance in self._instances)
        instance_ids = (name for instance in self._instances for name in (instance.uuid, *instance.device_ids))
        device_ids = (*self._device_ids, *instance_ids)
        return (replace(reading, device_ids=device_ids, xid_errors=dict(self._xid_counts)), *self._instances)

    def _current(self) -> "_OpenDevice":
        """Return the open device, opened again if MIG was switched. Raises GpuLost.

        Events are read first, because the last event of a lost GPU is the reason of the loss.
        """
        if self._open is None:
            raise GpuLost
        self._open.xid_events.read()
        if self._open.mig_switched():
            handle = self._open.handle
            self.close()
            self._open = _OpenDevice(handle, self._clock, self._xid_counts)
        return self._open


def _lost(reading: GpuReading) -> GpuReading:
    return GpuReading(
        index=reading.index, uuid=reading.uuid, model=reading.model, device_ids=reading.device_ids, lost=True
    )


class _OpenDevice:
    """A GPU with a valid handle."""

    def __init__(self, handle: Any, clock: Callable[[], float], xid_counts: Counter[str]) -> None:
        self.handle, self._queries = handle, NvmlQueries()
        self._mig_enabled = mig_enabled(handle, self._queries)
        minor = self._queries.query("minor number", lambda: nvml.nvmlDeviceGetMinorNumber(handle))
        self._device_ids = () if minor is None else (f"nvidia{minor}",)
        self.xid_events = XidEvents(handle, self._queries, xid_counts)
        self._traffic = TrafficMeter(handle, self._queries)
        self._activity = ActivityMonitor(handle, self._queries, clock)

    def read(self, identity: Identity) -> tuple[GpuReading, tuple[GpuReading, ...]]:
        """Return the GPU and its MIG instances. Raises GpuLost."""
        memory_used_bytes, memory_size_bytes = self._queries.memory("memory", self.handle, vital=True)
        utilization_ratio, memory_active_ratio = self._utilization()
        activity, traffic = self._activity.read(), self._traffic.read()
        reading = GpuReading(
            **vars(identity),
            device_ids=self._device_ids,
            utilization_ratio=utilization_ratio,
            memory_active_ratio=memory_active_ratio,
            sm_active_ratio=activity.sm_ratio,
            tensor_active_ratio=activity.tensor_ratio,
            memory_used_bytes=memory_used_bytes,
            memory_size_bytes=memory_size_bytes,
            temperature_celsius=self._temperature(),
            power_watts=self._milli("power", nvml.nvmlDeviceGetPowerUsage),
            power_limit_watts=self._milli("power limit", nvml.nvmlDeviceGetEnforcedPowerLimit),
            energy_joules=self._milli("energy", nvml.nvmlDeviceGetTotalEnergyConsumption),
            clock_hertz=_known_values(CLOCKS, self._clock_hertz),
            throttled=throttled(self._throttle_bits()),
            ecc_errors=_known_values(ECC, self._ecc_errors),
            pcie_bytes_per_second=activity.pcie_bytes_per_second or traffic.pcie_bytes_per_second,
            nvlink_bytes=traffic.nvlink_bytes,
        )
        if not self._mig_enabled:
            return reading, ()
        return reading, tuple(mig_instances(self.handle, identity.index, self._device_ids, self._queries))

    def mig_switched(self) -> bool:
        """Return whether MIG was switched since: a whole GPU supports queries that one with MIG does not."""
        return mig_enabled(self.handle, self._queries) != self._mig_enabled

    def close(self) -> None:
        """Free what NVML keeps for this GPU."""
        self.xid_events.close()
        self._activity.close()

    def _utilization(self) -> tuple[float | None, float | None]:
        """Return the fractions of time in which kernels ran and in which memory was accessed; unknown under MIG."""
        if self._mig_enabled:
            return None, None
        rates = self._queries.query("utilization", lambda: nvml.nvmlDeviceGetUtilizationRates(self.handle))
        if not rates:
            return None, None
        return scaled(valid_or_none(rates.gpu), PERCENT), scaled(valid_or_none(rates.memory), PERCENT)

    def _temperature(self) -> float | None:
        sensor = nvml.NVML_TEMPERATURE_GPU
        return self._queries.number(
            "temperature",
            lambda: nvml.nvmlDeviceGetTemperatureV(self.handle, sensor),
            lambda: nvml.nvmlDeviceGetTemperature(self.handle, sensor),  # drivers before 575
        )

    def _milli(self, name: str, function: Callable[[Any], int]) -> float | None:
        return scaled(self._queries.number(name, lambda: function(self.handle)), MILLI)

    def _clock_hertz(self, name: str, clock: int) -> float | None:
        megahertz = self._queries.number(f"clock {name}", lambda: nvml.nvmlDeviceGetClockInfo(self.handle, clock))
        return scaled(megahertz, MEGA)

    def _ecc_errors(self, name: str, error_type: int) -> float | None:
        return self._queries.number(
            f"ECC {name}", lambda: nvml.nvmlDeviceGetTotalEccErrors(self.handle, error_type, nvml.NVML_VOLATILE_ECC)
        )

    def _throttle_bits(self) -> int | None:
        bits: int | None = self._queries.query(
            "throttle",
            lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(self.handle),
            lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self.handle),  # drivers before 535
        )
        return None if valid_or_none(bits) is None else bits


def _known_values(constants: Mapping[str, int], query: Callable[[str, int], float | None]) -> dict[str, float]:
    """Return the known values by name, from a query with the name and NVML's constant."""
    values = ((name, query(name, constant)) for name, constant in constants.items())
    return {name: value for name, value in values if value is not None}
