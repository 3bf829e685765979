"""What chips can do at best, by their makers' data sheets: dense matrix products in bfloat16, operations a second.

A chip that isn't here, a part of one, and a precision that isn't bfloat16 have no peak: none is claimed, and no
utilization told.
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
"""By a part of the name that the driver gives; the first that fits counts, so longer names come before shorter ones."""
PART_OF_A_CHIP = re.compile(r"\bMIG\b|-\d+[ABCQ](ME)?$")
"""What the names of slices end in (MIG 1g.10gb), and those of virtual GPUs (A100-10C, A100-1-5CME)."""


def peak_flops(device_name: str, precision: str) -> float | None:
    """Return the operations a second of one chip at its best; None if they aren't known."""
    if precision != "bfloat16" or PART_OF_A_CHIP.search(device_name):
        return None
    words = device_name.replace("-", " ").split()
    return next((peak for name, peak in PEAK_FLOPS.items() if _names(name.split(), words)), None)


def _names(name: list[str], words: list[str]) -> bool:
    """Return whether every word of `name` is one of `words`: an A100 is no A10."""
    return all(word in words for word in name)
