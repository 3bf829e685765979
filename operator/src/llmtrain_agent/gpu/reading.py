"""What is known of one GPU at one time. None, or a missing key: the GPU doesn't say."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which GPU it is. `index` is the driver's number, "0:1" for the second part of GPU 0 under MIG."""

    index: str
    uuid: str
    model: str


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """One GPU, or one part of it under MIG. Base units; ratios are 0 to 1.

    A lost GPU has no values but those that the agent itself has counted.
    """

    index: str
    uuid: str
    model: str
    device_ids: tuple[str, ...] = ()
    """Other names that device plugins have for it or for parts of it: UUIDs of parts, and GKE's nvidia0, nvidia0/gi2."""
    lost: bool = False
    utilization_ratio: float | None = None
    sm_active_ratio: float | None = None
    tensor_active_ratio: float | None = None
    memory_active_ratio: float | None = None
    memory_used_bytes: float | None = None
    memory_size_bytes: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    energy_joules: float | None = None
    clock_hertz: Mapping[str, float] = field(default_factory=dict)
    """By clock: sm, memory."""
    throttled: Mapping[str, bool] = field(default_factory=dict)
    """By reason: power, thermal, hardware."""
    ecc_errors: Mapping[str, float] = field(default_factory=dict)
    """By severity: corrected, uncorrected."""
    xid_errors: Mapping[str, int] = field(default_factory=dict)
    """By XID number, since the agent began."""
    pcie_bytes_per_second: Mapping[str, float] = field(default_factory=dict)
    """By direction: received, sent."""
    nvlink_bytes: Mapping[str, float] = field(default_factory=dict)
    """By direction: received, sent."""
