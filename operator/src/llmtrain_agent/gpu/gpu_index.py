"""Which number a GPU keeps.

The driver counts the GPUs it finds. When one is gone and the library is opened anew, those behind it
move up; their series must not continue as another GPU's.
"""

from collections.abc import Iterable, Mapping


def stable_indices(seats: Mapping[str, int], found: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Return each GPU's number by UUID: the one it had; for a new one the driver's, or the next that nobody has."""
    taken = dict(seats)
    for number, uuid in found:
        if uuid not in taken:
            taken[uuid] = _free(number, set(taken.values()))
    return taken


def _free(number: int, taken: set[int]) -> int:
    while number in taken:
        number += 1
    return number
