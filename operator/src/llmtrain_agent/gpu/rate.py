"""Bytes per second off a counter that may wrap."""

from dataclasses import dataclass

WRAPS_BYTES = 2**32


@dataclass(frozen=True, kw_only=True)
class CounterSample:
    """What a counter of bytes was, and when, in microseconds."""

    count_bytes: float
    time_us: int


def bytes_per_second(before: CounterSample | None, after: CounterSample) -> float | None:
    """Return the rate between two counts, None where it can't be told.

    Of PCIe's counters NVML says only that they "can be wrapped". One of 32 bits does so within a
    second at PCIe's speed, unseen between two scrapes, so a counter is believed once it has passed 2^32.
    """
    if before is None or before.count_bytes < WRAPS_BYTES or after.count_bytes < before.count_bytes:
        return None
    if after.time_us <= before.time_us:
        return None
    return (after.count_bytes - before.count_bytes) / (after.time_us - before.time_us) * 1e6
