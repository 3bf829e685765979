"""All GPUs of the node: opens NVML, reads every GPU, and re-opens those that were lost."""

import time
from collections.abc import Callable
from contextlib import suppress

import pynvml as nvml

from llmtrain_agent.gpu.device import Device
from llmtrain_agent.gpu.gpu_index import stable_indices
from llmtrain_agent.gpu.reading import GpuReading, Identity
from llmtrain_api.events import AgentEvent
from llmtrain_api.jsonlog import JsonLog

REOPEN_ROUNDS = 12
"""While any GPU is lost, NVML is re-initialised every `REOPEN_ROUNDS` readings, because it enumerates GPUs only at
start-up. This takes time and wakes every GPU; at a scrape interval of 5 s it happens once per minute."""


def open_gpus(log: JsonLog, clock: Callable[[], float] = time.monotonic) -> "NvmlReader":
    """Return a reader of the node's GPUs. Raises NVMLError if the library or a usable driver is missing."""
    nvml.nvmlInit()
    try:
        return NvmlReader(log, clock)
    except nvml.NVMLError:
        nvml.nvmlShutdown()
        raise


class NvmlReader:
    """Every GPU seen so far, in the order of the indices. Not thread-safe."""

    def __init__(self, log: JsonLog, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._initialized = True
        self._rounds_with_lost = 0
        self._devices: dict[str, Device] = {}
        """By UUID."""
        self._unidentified: tuple[GpuReading, ...] = ()
        """GPUs that were lost before they reported a UUID."""
        self._lost: frozenset[str] = frozenset()
        """Indices of the GPUs that were lost at the previous reading."""
        self.version: str = nvml.nvmlSystemGetDriverVersion()
        self._find_gpus()

    def read(self) -> tuple[GpuReading, ...]:
        """Read every GPU once; a lost one has `lost` set and does not affect the others."""
        if self._rounds_with_lost >= REOPEN_ROUNDS:
            self._rounds_with_lost = 0
            self._reopen()
        readings = *(reading for device in self._by_index() for reading in device.read()), *self._unidentified
        lost = frozenset(reading.index for reading in readings if reading.lost)
        self._log_changes(lost)
        self._rounds_with_lost = self._rounds_with_lost + 1 if lost else 0
        return readings

    def close(self) -> None:
        """Shut NVML down."""
        for device in self._devices.values():
            device.close()
        if self._initialized:
            self._initialized = False
            try:
                nvml.nvmlShutdown()
            except nvml.NVMLError as error:
                self._log.warning(AgentEvent.NVML_SHUTDOWN_FAILED, reason=str(error))

    def _reopen(self) -> None:
        self.close()
        with suppress(nvml.NVMLError):  # the driver is gone: all GPUs stay lost until a later attempt
            nvml.nvmlInit()
            self._initialized = True
            self.version = nvml.nvmlSystemGetDriverVersion()
            self._find_gpus()

    def _find_gpus(self) -> None:
        found: list[tuple[int, str]] = []
        unidentified = []
        handles, models = {}, {}
        for number in range(nvml.nvmlDeviceGetCount()):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(number)
                uuid, model = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
            except nvml.NVMLError:
                unidentified.append(number)
                continue
            found.append((number, uuid))
            handles[uuid], models[uuid] = handle, model
        indices = stable_indices({uuid: int(device.identity.index) for uuid, device in self._devices.items()}, found)
        for uuid, handle in handles.items():
            identity = Identity(index=str(indices[uuid]), uuid=uuid, model=models[uuid])
            self._devices.setdefault(uuid, Device(identity, self._clock)).open(handle)
        taken = {device.identity.index for device in self._devices.values()}
        self._unidentified = tuple(
            GpuReading(index=str(number), uuid="", model="", lost=True)
            for number in unidentified
            if str(number) not in taken
        )

    def _by_index(self) -> list[Device]:
        return sorted(self._devices.values(), key=lambda device: int(device.identity.index))

    def _log_changes(self, lost: frozenset[str]) -> None:
        for index in sorted(lost - self._lost):
            self._log.warning(AgentEvent.GPU_LOST, gpu=index)
        for index in sorted(self._lost - lost):
            self._log.info(AgentEvent.GPU_RECOVERED, gpu=index)
        self._lost = lost
