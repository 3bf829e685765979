"""One GPU: asks each value separately, so that what it can't tell costs the others nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.activity import ActivityMonitor
from llmtrain_agent.gpu.memory import memory_of
from llmtrain_agent.gpu.mig import mig_enabled, mig_instances
from llmtrain_agent.gpu.query import GpuLost, NvmlQueries, scaled, valid_or_none
from llmtrain_agent.gpu.reading import GpuReading, Identity
from llmtrain_agent.gpu.throttle import throttled
from llmtrain_agent.gpu.traffic import TrafficMeter
from llmtrain_agent.gpu.xid import XidWatch

MEGA = 1e6
MILLI = 1e-3
PERCENT = 0.01
CLOCKS = {"sm": nvml.NVML_CLOCK_SM, "memory": nvml.NVML_CLOCK_MEM}
ECC = {"corrected": nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, "uncorrected": nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED}


class Device:
    """A GPU over the life of the agent, whatever happens to it and to the library's handles of it."""

    def __init__(self, identity: Identity, clock: Callable[[], float]) -> None:
        self.identity = identity
        self._clock = clock
        self._bound: _OpenDevice | None = None
        self._xids: Counter[str] = Counter()
        self._parts: tuple[GpuReading, ...] = ()
        self._names: tuple[str, ...] = ()

    def bind(self, handle: Any) -> None:
        """Ask with a new handle, and anew what could not be answered before."""
        try:
            self._bound = _OpenDevice(handle, self._clock, self._xids)
        except GpuLost:
            self._bound = None

    def unbind(self) -> None:
        """Give back what the library keeps for this GPU."""
        if self._bound:
            self._bound.close()
        self._bound = None

    def read(self) -> tuple[GpuReading, ...]:
        """Return the GPU and, under MIG, its parts. Of a lost one, what it was."""
        try:
            reading, self._parts = self._current().read(self.identity)
            self._names = reading.device_ids
        except GpuLost:
            reading = GpuReading(**vars(self.identity), lost=True)
            self._parts = tuple(
                GpuReading(index=part.index, uuid=part.uuid, model=part.model, device_ids=part.device_ids, lost=True)
                for part in self._parts
            )
        of_parts = (name for part in self._parts for name in (part.uuid, *part.device_ids))
        return (replace(reading, device_ids=(*self._names, *of_parts), xid_errors=dict(self._xids)), *self._parts)

    def _current(self) -> "_OpenDevice":
        """Return what can be asked; events first, as the last one of a GPU that is lost says why. Raises GpuLost."""
        if self._bound is None:
            raise GpuLost
        self._bound.watch.read()
        if self._bound.mode_changed():
            handle = self._bound.handle
            self.unbind()
            self._bound = _OpenDevice(handle, self._clock, self._xids)
        return self._bound


class _OpenDevice:
    """A GPU that there is a handle of."""

    def __init__(self, handle: Any, clock: Callable[[], float], xids: Counter[str]) -> None:
        self.handle, self._questions = handle, NvmlQueries()
        self._divided = mig_enabled(handle, self._questions)
        minor = self._questions.ask("minor number", lambda: nvml.nvmlDeviceGetMinorNumber(handle))
        self._names = () if minor is None else (f"nvidia{minor}",)
        self.watch = XidWatch(handle, self._questions, xids)
        self._traffic = TrafficMeter(handle, self._questions)
        self._activity = ActivityMonitor(handle, self._questions, clock)

    def read(self, identity: Identity) -> tuple[GpuReading, tuple[GpuReading, ...]]:
        """Return the GPU and its parts. Raises GpuLost."""
        memory = memory_of(self.handle, self._questions, "memory", vital=True)
        kernels, accesses = self._busy()
        activity, traffic = self._activity.read(), self._traffic.read()
        reading = GpuReading(
            **vars(identity),
            device_ids=self._names,
            utilization_ratio=kernels,
            memory_active_ratio=accesses,
            sm_active_ratio=activity.sm_ratio,
            tensor_active_ratio=activity.tensor_ratio,
            memory_used_bytes=valid_or_none(memory.used) if memory else None,
            memory_size_bytes=valid_or_none(memory.total) if memory else None,
            temperature_celsius=self._temperature(),
            power_watts=self._milli("power", nvml.nvmlDeviceGetPowerUsage),
            power_limit_watts=self._milli("power limit", nvml.nvmlDeviceGetEnforcedPowerLimit),
            energy_joules=self._milli("energy", nvml.nvmlDeviceGetTotalEnergyConsumption),
            clock_hertz=self._each(CLOCKS, self._clock_hertz),
            throttled=throttled(self._throttle_bits()),
            ecc_errors=self._each(ECC, self._ecc_errors),
            pcie_bytes_per_second=activity.pcie_bytes_per_second or traffic.pcie_bytes_per_second,
            nvlink_bytes=traffic.nvlink_bytes,
        )
        divided_into = mig_instances(self.handle, identity.index, self._names, self._questions) if self._divided else ()
        return reading, tuple(divided_into)

    def mode_changed(self) -> bool:
        """Tell whether MIG was switched: what can't be asked of a divided GPU can be asked of a whole one."""
        return mig_enabled(self.handle, self._questions) != self._divided

    def close(self) -> None:
        """Give back what the library keeps for this GPU."""
        self.watch.close()
        self._activity.close()

    def _busy(self) -> tuple[float | None, float | None]:
        """Return the parts of the time in which kernels ran and in which memory was accessed; neither under MIG."""
        if self._divided:
            return None, None
        rates = self._questions.ask("utilization", lambda: nvml.nvmlDeviceGetUtilizationRates(self.handle))
        return (
            (scaled(valid_or_none(rates.gpu), PERCENT), scaled(valid_or_none(rates.memory), PERCENT))
            if rates
            else (None, None)
        )

    def _temperature(self) -> float | None:
        die = nvml.NVML_TEMPERATURE_GPU
        return self._questions.number(
            "temperature",
            lambda: nvml.nvmlDeviceGetTemperatureV(self.handle, die),
            lambda: nvml.nvmlDeviceGetTemperature(self.handle, die),  # drivers before 575
        )

    def _milli(self, name: str, function: Callable[[Any], int]) -> float | None:
        return scaled(self._questions.number(name, lambda: function(self.handle)), MILLI)

    def _each(self, kinds: Mapping[str, int], value: Callable[[str, int], float | None]) -> dict[str, float]:
        values = ((key, value(key, kind)) for key, kind in kinds.items())
        return {key: number for key, number in values if number is not None}

    def _clock_hertz(self, key: str, kind: int) -> float | None:
        clock = self._questions.number(f"clock {key}", lambda: nvml.nvmlDeviceGetClockInfo(self.handle, kind))
        return scaled(clock, MEGA)

    def _ecc_errors(self, key: str, kind: int) -> float | None:
        return self._questions.number(
            f"ECC {key}", lambda: nvml.nvmlDeviceGetTotalEccErrors(self.handle, kind, nvml.NVML_VOLATILE_ECC)
        )

    def _throttle_bits(self) -> int | None:
        bits: int | None = self._questions.ask(
            "throttle",
            lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(self.handle),
            lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self.handle),  # drivers before 535
        )
        return None if valid_or_none(bits) is None else bits
