"""The values of one GPU at one time. A value that the GPU does not report is None, or its key is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Identifies a GPU."""

    index: str
    """Stable index: NVML's when the GPU was first seen; "0:1" for the second MIG instance of GPU 0."""
    uuid: str
    model: str


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """One GPU, or one of its MIG instances. Base units; ratios are 0 to 1.

    A lost GPU has no values except those that the agent counts itself.
    """

    index: str
    uuid: str
    model: str
    device_ids: tuple[str, ...] = ()
    """Other ids of device plugins for it and its MIG instances: UUIDs of instances, and GKE's nvidia0, nvidia0/gi2."""
    lost: bool = False
    utilization_ratio: float | None = None
    """Fraction of time in which a kernel ran."""
    sm_active_ratio: float | None = None
    tensor_active_ratio: float | None = None
    memory_active_ratio: float | None = None
    memory_used_bytes: float | None = None
    memory_size_bytes: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    energy_joules: float | None = None
    """Since the driver was loaded."""
    clock_hertz: Mapping[str, float] = field(default_factory=dict)
    """By clock: sm, memory."""
    throttled: Mapping[str, bool] = field(default_factory=dict)
    """By reason: power, thermal, hardware."""
    ecc_errors: Mapping[str, float] = field(default_factory=dict)
    """By severity: corrected, uncorrected. Since the driver was loaded."""
    xid_errors: Mapping[str, int] = field(default_factory=dict)
    """By Xid number, since the agent started."""
    pcie_bytes_per_second: Mapping[str, float] = field(default_factory=dict)
    """By direction: received, sent."""
    nvlink_bytes: Mapping[str, float] = field(default_factory=dict)
    """By direction: received, sent."""
