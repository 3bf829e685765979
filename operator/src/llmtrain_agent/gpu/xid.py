"""Counts Xid errors, which the driver reports as events that wait until they are fetched."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pynvml as nvml

from llmtrain_agent.gpu.query import NvmlQueries

WAIT_MS = 1
"""Not 0: for NVML's system events, 0 means to wait without a limit."""
MAX_EVENTS = 64
"""Events fetched per scrape, so that a GPU that reports without end does not block it; the next scrape continues."""


class XidEvents:
    """The Xid events of one GPU. Each GPU has its own event set, so that a lost GPU does not hide others' events."""

    def __init__(self, handle: Any, queries: NvmlQueries, counts: Counter[str]) -> None:
        self._queries, self._counts = queries, counts
        self._event_set = queries.query("event set", nvml.nvmlEventSetCreate)
        if self._event_set is not None:
            queries.query("events", lambda: self._register(handle))

    def _register(self, handle: Any) -> None:
        nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, self._event_set)

    def read(self) -> None:
        """Count the waiting events. Raises GpuLost."""
        if self._event_set is None:
            return
        for _ in range(MAX_EVENTS):
            # NVML reports "no event within the time" as an error, which `query` returns as None.
            event = self._queries.query("event", lambda: nvml.nvmlEventSetWait_v2(self._event_set, WAIT_MS))
            if event is None:
                return
            self._counts[str(event.eventData)] += 1

    def close(self) -> None:
        """Free the event set."""
        if self._event_set is not None:
            with suppress(nvml.NVMLError):
                nvml.nvmlEventSetFree(self._event_set)
        self._event_set = None
