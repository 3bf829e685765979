"""Stable GPU indices.

NVML numbers the GPUs that it finds when it is initialised. If one is missing at a re-initialisation, those behind it
move up; without stable indices their time series would continue as another GPU's.
"""

from collections.abc import Iterable, Mapping


def stable_indices(known: Mapping[str, int], found: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Return each GPU's index by UUID.

    `known` are the indices so far; `found` are pairs of NVML's index and UUID. A known GPU keeps its index; a new one
    gets NVML's, or the next one that is free.
    """
    indices = dict(known)
    for number, uuid in found:
        if uuid not in indices:
            indices[uuid] = _next_free(number, set(indices.values()))
    return indices


def _next_free(number: int, taken: set[int]) -> int:
    while number in taken:
        number += 1
    return number
