"""Errors that the driver reports by XID number: each is an event that waits until it is fetched."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import NvmlQueries

WAIT_MS = 1
"""Not 0: for the library's system events 0 means to wait for ever."""
MOST_EVENTS = 64
"""A GPU that reports without end must not hold a scrape; the rest is fetched by the next."""


class XidWatch:
    """One GPU's events. Each GPU has a set of its own, so that a lost one doesn't hide the others'."""

    def __init__(self, handle: Any, questions: NvmlQueries, counts: Counter[str]) -> None:
        self._questions, self._counts = questions, counts
        self._events = questions.ask("event set", nvml.nvmlEventSetCreate)
        if self._events is not None:
            questions.ask("events", lambda: self._register(handle))

    def _register(self, handle: Any) -> None:
        nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, self._events)

    def read(self) -> None:
        """Count the events that are there. Raises GpuLost."""
        if self._events is None:
            return
        for _ in range(MOST_EVENTS):
            # No event within the time is an error of the library's too: a time-out.
            event = self._questions.ask("event", lambda: nvml.nvmlEventSetWait_v2(self._events, WAIT_MS))
            if event is None:
                return
            self._counts[str(event.eventData)] += 1

    def close(self) -> None:
        """Give the set back."""
        if self._events is not None:
            with suppress(nvml.NVMLError):
                nvml.nvmlEventSetFree(self._events)
        self._events = None
