"""Signs of life of one rank, in eight bytes of memory that its supervisor sees too: a rank that stops giving them hangs.

The rank writes the time whenever it gets on: with each microbatch, and while it waits for its peers, so that only the
one that hangs is killed and not those that wait for it. Between generations it is not watched.
"""

import math
import mmap
import os
import struct
import time

DESCRIPTOR = "LLMTRAIN_WATCHDOG_FD"
"""Environment variable of a rank: the file descriptor of that memory."""
_SIGN = struct.Struct("d")


class Watchdog:
    """One rank's newest sign of life, in seconds of the machine's steady clock."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _SIGN.size)

    def alive(self) -> None:
        """Say that this rank gets on."""
        self._memory[:] = _SIGN.pack(time.monotonic())  # at once: pack_into would write zeros first, and be seen

    def idle(self) -> None:
        """Say that this rank has nothing to do: it waits for a generation."""
        self._memory[:] = _SIGN.pack(math.inf)

    def silent_seconds(self) -> float:
        """Return for how long this rank has not got on; 0 if it has nothing to do."""
        return max(0.0, time.monotonic() - float(_SIGN.unpack(self._memory[:])[0]))


def new_watch() -> tuple[Watchdog, int]:
    """Return a watch of a rank that has nothing to do yet, and the descriptor to hand to it."""
    descriptor = os.memfd_create("llmtrain-watch")
    os.ftruncate(descriptor, _SIGN.size)
    watch = Watchdog(descriptor)
    watch.idle()
    return watch, descriptor


def inherited_watch() -> Watchdog:
    """Return the watch that the supervisor handed to this process; one that nobody looks at without a supervisor."""
    descriptor = os.environ.get(DESCRIPTOR)
    return new_watch()[0] if descriptor is None else Watchdog(int(descriptor))
