"""Why clocks are held down, from the bits of nvmlDeviceGetCurrentClocksEventReasons.

`hardware`: the board itself slows the clocks to a half or less, for heat or power; software's limits aren't in it.
Clocks that are low because the GPU is idle, or because somebody set them so, aren't throttled.
"""

import pynvml as nvml

REASONS: dict[str, int] = {
    "power": nvml.nvmlClocksEventReasonSwPowerCap | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
    "thermal": nvml.nvmlClocksEventReasonSwThermalSlowdown | nvml.nvmlClocksEventReasonHwThermalSlowdown,
    "hardware": nvml.nvmlClocksEventReasonHwSlowdown
    | nvml.nvmlClocksEventReasonHwThermalSlowdown
    | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
}


def throttled(bits: int | None) -> dict[str, bool]:
    """Return whether each reason holds; nothing where the GPU doesn't say."""
    return {} if bits is None else {reason: bool(bits & mask) for reason, mask in REASONS.items()}
