"""The node's driver, which may come after the agent: installers load it minutes after a node is there."""

import time
from collections.abc import Callable

import pynvml as nvml

from llmtrain_agent.gpu.reader import Log, NvmlReader, open_gpus
from llmtrain_agent.gpu.reading import GpuReading

LOOK_SECONDS = 60.0
ABSENT = frozenset({nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED})
"""What a node without GPUs says too."""


class Driver:
    """Reads the GPUs as soon as there is a driver. Not for several threads at once."""

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._gpus: NvmlReader | None = None
        self._looked_at: float | None = None
        self._reason = ""

    @property
    def library(self) -> tuple[str, str]:
        """Return who reads the GPUs: nvml and the driver's version, or none."""
        return ("nvml", self._gpus.version) if self._gpus else ("none", "")

    def read(self) -> tuple[GpuReading, ...]:
        """Read every GPU once; none where there is no driver that can be used."""
        if self._gpus is None and (self._looked_at is None or self._clock() - self._looked_at >= LOOK_SECONDS):
            self._looked_at = self._clock()
            self._look()
        return self._gpus.read() if self._gpus else ()

    def close(self) -> None:
        """Give the library back."""
        if self._gpus:
            self._gpus.close()

    def _look(self) -> None:
        """Look for a driver, and say why there is none, once for each reason."""
        try:
            self._gpus = open_gpus(self._log, self._clock)
        except nvml.NVMLError as error:
            if str(error) != self._reason:
                self._log("no GPUs", {"reason": str(error)}, level="info" if error.value in ABSENT else "warning")
            self._reason = str(error)
