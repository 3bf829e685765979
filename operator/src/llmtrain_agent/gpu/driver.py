"""Finds the node's driver, which can appear after the agent has started: installers load it minutes after boot."""

import time
from collections.abc import Callable

import pynvml as nvml

from llmtrain_agent.gpu.reader import NvmlReader, open_gpus
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_api.events import AgentEvent
from llmtrain_api.jsonlog import JsonLog

RETRY_SECONDS = 60.0
"""Interval between attempts to load a missing driver."""
ABSENT = frozenset({nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED})
"""Errors that a node without GPUs reports too."""


class Driver:
    """Reads the GPUs as soon as there is a driver. Not thread-safe."""

    def __init__(self, log: JsonLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._reader: NvmlReader | None = None
        self._tried_at_seconds: float | None = None
        self._reason = ""

    @property
    def library(self) -> tuple[str, str]:
        """Return what reads the GPUs: "nvml" and the driver's version, or "none"."""
        return ("nvml", self._reader.version) if self._reader else ("none", "")

    def read(self) -> tuple[GpuReading, ...]:
        """Read every GPU once; empty while there is no usable driver."""
        if self._reader is None:
            self._open_if_due()
        return self._reader.read() if self._reader else ()

    def close(self) -> None:
        """Shut NVML down."""
        if self._reader:
            self._reader.close()

    def _open_if_due(self) -> None:
        """Try to open the driver every `RETRY_SECONDS`; each new reason of a failure is logged once."""
        now = self._clock()
        if self._tried_at_seconds is not None and now - self._tried_at_seconds < RETRY_SECONDS:
            return
        self._tried_at_seconds = now
        try:
            self._reader = open_gpus(self._log, self._clock)
        except nvml.NVMLError as error:
            if str(error) != self._reason:
                log = self._log.info if error.value in ABSENT else self._log.warning
                log(AgentEvent.GPUS_NOT_FOUND, reason=str(error))
            self._reason = str(error)
