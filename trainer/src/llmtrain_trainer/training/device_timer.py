"""How long work takes the device that does it: a GPU works on while Python goes on, so it notes the times itself."""

import time
from typing import Self

import torch


class DeviceTimer:
    """Adds up what a device does inside `with stopwatch:`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.reset()

    def reset(self) -> None:
        """Begin at 0."""
        self._seconds = 0.0
        self._events: list[torch.cuda.Event] = []
        """A GPU's: when it begins and when it ends, in turn."""

    def seconds(self) -> float:
        """Return the time of all that was done; waits for it, if a GPU is at it yet."""
        for last in self._events[-1:]:
            last.synchronize()
        stretches = zip(self._events[::2], self._events[1::2], strict=True)
        milliseconds = sum(float(begin.elapsed_time(end)) for begin, end in stretches)
        return self._seconds + milliseconds / 1000

    def __enter__(self) -> Self:
        self._seconds -= self._note()
        return self

    def __exit__(self, *exception: object) -> None:
        self._seconds += self._note()

    def _note(self) -> float:
        """Return the time; let a GPU note it when it comes here, which is later."""
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        self._events.append(event)
        return 0.0
