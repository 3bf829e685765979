"""All GPUs of the node: opens the library, reads every GPU, finds again those that came back."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

import pynvml as nvml

from llmtrain_agent.gpu.device import Device
from llmtrain_agent.gpu.gpu_index import stable_indices
from llmtrain_agent.gpu.reading import GpuReading, Identity

REOPEN_ROUNDS = 12
"""While a GPU is lost the library is opened anew at each so manieth reading, as it looks for GPUs only then.
That takes time and wakes all GPUs; at a scrape each 5 s it is once a minute."""


class Log(Protocol):
    """Writes one event with its facts."""

    def __call__(self, event: str, facts: Mapping[str, object], *, level: str = "info") -> None:
        """Write it."""


def open_gpus(log: Log, clock: Callable[[], float] = time.monotonic) -> "NvmlReader":
    """Return the node's GPUs. Raises NVMLError where there is no library, no driver, or one that can't be used."""
    nvml.nvmlInit()
    try:
        return NvmlReader(log, clock)
    except nvml.NVMLError:
        nvml.nvmlShutdown()
        raise


class NvmlReader:
    """The GPUs that were ever seen, in the order of their numbers. Not for several threads at once."""

    def __init__(self, log: Log, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._open = True
        self._rounds_with_lost = 0
        self._devices: dict[str, Device] = {}
        self._nameless: tuple[GpuReading, ...] = ()
        """GPUs that were lost before they said which they are."""
        self._lost: frozenset[str] = frozenset()
        self.version: str = nvml.nvmlSystemGetDriverVersion()
        self._find()

    def read(self) -> tuple[GpuReading, ...]:
        """Read every GPU once; one that is lost has `lost` and doesn't keep the others."""
        if self._rounds_with_lost >= REOPEN_ROUNDS:
            self._rounds_with_lost = 0
            self._reopen()
        readings = *(reading for device in self._in_order() for reading in device.read()), *self._nameless
        lost = frozenset(reading.index for reading in readings if reading.lost)
        self._tell(lost)
        self._rounds_with_lost = self._rounds_with_lost + 1 if lost else 0
        return readings

    def close(self) -> None:
        """Give the library back."""
        for device in self._devices.values():
            device.unbind()
        if self._open:
            self._open = False
            try:
                nvml.nvmlShutdown()
            except nvml.NVMLError as error:
                self._log("NVML did not shut down", {"reason": str(error)}, level="warning")

    def _reopen(self) -> None:
        self.close()
        with suppress(nvml.NVMLError):  # the driver is gone, all GPUs with it: they stay lost until a later try
            nvml.nvmlInit()
            self._open = True
            self.version = nvml.nvmlSystemGetDriverVersion()
            self._find()

    def _find(self) -> None:
        found: list[tuple[int, str]] = []
        nameless = []
        handles, models = {}, {}
        for number in range(nvml.nvmlDeviceGetCount()):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(number)
                uuid, model = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
            except nvml.NVMLError:
                nameless.append(number)
                continue
            found.append((number, uuid))
            handles[uuid], models[uuid] = handle, model
        seats = stable_indices({uuid: int(device.identity.index) for uuid, device in self._devices.items()}, found)
        for uuid, handle in handles.items():
            identity = Identity(index=str(seats[uuid]), uuid=uuid, model=models[uuid])
            self._devices.setdefault(uuid, Device(identity, self._clock)).bind(handle)
        taken = {device.identity.index for device in self._devices.values()}
        self._nameless = tuple(
            GpuReading(index=str(number), uuid="", model="", lost=True)
            for number in nameless
            if str(number) not in taken
        )

    def _in_order(self) -> list[Device]:
        return sorted(self._devices.values(), key=lambda device: int(device.identity.index))

    def _tell(self, lost: frozenset[str]) -> None:
        for index in sorted(lost - self._lost):
            self._log("GPU lost", {"gpu": index}, level="warning")
        for index in sorted(self._lost - lost):
            self._log("GPU back", {"gpu": index})
        self._lost = lost
