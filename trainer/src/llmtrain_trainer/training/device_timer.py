"""Time that work takes on the device. A GPU runs asynchronously, so it records the times itself, as CUDA events."""

import time
from typing import Self

import torch


class DeviceTimer:
    """Sums the time that the device spends on the work inside `with timer:`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.reset()

    def reset(self) -> None:
        """Restart at 0."""
        self._seconds = 0.0
        self._events: list[torch.cuda.Event] = []
        """On a GPU: start and end of each block, alternating."""

    def seconds(self) -> float:
        """Return the summed time. Waits for a GPU that has not finished."""
        for last in self._events[-1:]:
            last.synchronize()
        blocks = zip(self._events[::2], self._events[1::2], strict=True)
        milliseconds = sum(float(start.elapsed_time(stop)) for start, stop in blocks)
        return self._seconds + milliseconds / 1000

    def __enter__(self) -> Self:
        self._seconds -= self._mark()
        return self

    def __exit__(self, *exception: object) -> None:
        self._seconds += self._mark()

    def _mark(self) -> float:
        """Return the time on a CPU; on a GPU, queue an event that records the time when the GPU reaches it."""
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        self._events.append(event)
        return 0.0
