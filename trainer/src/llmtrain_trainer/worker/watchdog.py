"""The watchdog: detects a rank that hangs, through a few bytes of memory that rank and supervisor share.

The rank writes the time after each microbatch and while it waits for its peers. Therefore only the rank that hangs is
killed, not those that wait for it. Between generations a rank is idle and not watched. The memory also holds whether
the rank has completed a step.
"""

import math
import mmap
import os
import struct
import time

DESCRIPTOR = "LLMTRAIN_WATCHDOG_FD"
"""Environment variable of a rank: the file descriptor of the shared memory."""
_TIME = struct.Struct("d")
_SIZE_BYTES = _TIME.size + 1
"""The time, and whether a step was completed."""


class Watchdog:
    """The time when one rank last made progress, in seconds of the monotonic clock, and whether it has completed a step."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _SIZE_BYTES)

    def alive(self) -> None:
        """Record that this rank makes progress."""
        # One assignment: pack_into writes zeros first, which the supervisor could read.
        self._memory[: _TIME.size] = _TIME.pack(time.monotonic())

    def idle(self) -> None:
        """Record that this rank has nothing to do until it joins a generation."""
        self._memory[: _TIME.size] = _TIME.pack(math.inf)

    def stepped(self) -> None:
        """Record that this rank has completed a step."""
        self._memory[_TIME.size] = 1

    @property
    def has_stepped(self) -> bool:
        """Whether this rank has completed a step."""
        return bool(self._memory[_TIME.size])

    def unresponsive_seconds(self) -> float:
        """Return the seconds since this rank last made progress; 0 if it is idle."""
        return max(0.0, time.monotonic() - float(_TIME.unpack(self._memory[: _TIME.size])[0]))


def new_watchdog() -> tuple[Watchdog, int]:
    """Return the watchdog of an idle rank, and the file descriptor to pass to the rank's process."""
    descriptor = os.memfd_create("llmtrain-watchdog")
    os.ftruncate(descriptor, _SIZE_BYTES)
    watchdog = Watchdog(descriptor)
    watchdog.idle()
    return watchdog, descriptor


def inherited_watchdog() -> Watchdog:
    """Return the watchdog that the supervisor passed to this process; without a supervisor, one that is not read."""
    descriptor = os.environ.get(DESCRIPTOR)
    return new_watchdog()[0] if descriptor is None else Watchdog(int(descriptor))
