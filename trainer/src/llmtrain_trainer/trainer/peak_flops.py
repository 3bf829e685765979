"""Peak FLOP/s of GPUs, from data sheets: dense matrix products in bfloat16.

The peak is unknown for a model that is not listed, for a slice of a GPU, and for any precision but bfloat16. MFU is not
reported then.
"""

import re

PEAK_FLOPS = {
    "B200": 2.25e15,
    "H200 NVL": 835.5e12,
    "H200": 989.4e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989.4e12,
    "H20": 148e12,
    "A100": 312e12,
    "A800": 312e12,
    "A40": 149.7e12,
    "A30": 165e12,
    "A10": 125e12,
    "L40S": 362e12,
    "L40": 181e12,
    "L4": 121e12,
}
"""By words of the name that the driver reports. The first match counts, so longer names precede shorter ones."""
GPU_SLICE = re.compile(r"\bMIG\b|-\d+[ABCQ](ME)?$")
"""Matches names of MIG devices (MIG 1g.10gb) and of virtual GPUs (A100-10C, A100-1-5CME)."""


def peak_flops(device_name: str, precision: str) -> float | None:
    """Return the peak FLOP/s of one GPU; None if unknown."""
    if precision != "bfloat16" or GPU_SLICE.search(device_name):
        return None
    words = device_name.replace("-", " ").split()
    return next((peak for name, peak in PEAK_FLOPS.items() if _matches(name.split(), words)), None)


def _matches(name: list[str], words: list[str]) -> bool:
    """Return whether every word of `name` is in `words`: an A100 is not an A10."""
    return all(word in words for word in name)
