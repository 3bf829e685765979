"""One scrape: every source is read once, and one that fails takes nothing from the others."""

import os
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_agent import infiniband, proc
from llmtrain_agent.background_call import BackgroundCall
from llmtrain_agent.cgroups import PodGroup, pod_groups
from llmtrain_agent.gpu.reader import Log
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.gpu.samples import Sample, samples
from llmtrain_agent.podresources import PodName
from llmtrain_agent.pods import Pod
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Metric

T = TypeVar("T")
NODE_INIT = 1
"""The process that is in the node's network for sure."""
GPU_SECONDS = 1.0
"""How long a driver is waited for. What it says later is told by the next scrape."""
Family = CounterMetricFamily | GaugeMetricFamily


class GpuSource(Protocol):
    """Knows the GPUs of this node."""

    @property
    def library(self) -> tuple[str, str]:
        """Return who reads them, and the version."""

    def read(self) -> tuple[GpuReading, ...]:
        """Read every GPU once."""


class ExternalGpuExporter:
    """GPUs that another exporter tells of."""

    library = ("dcgm", "")

    def read(self) -> tuple[GpuReading, ...]:
        """Read nothing."""
        return ()


class PodSource(Protocol):
    """Knows the pods of this node."""

    def by_uid(self) -> dict[str, Pod]:
        """Return them by UID."""


class DeviceOwnerSource(Protocol):
    """Knows who holds which device."""

    def device_owners(self) -> dict[str, set[PodName]]:
        """Return the pods by device."""


@dataclass(frozen=True, kw_only=True)
class HostPaths:
    """Where the node's files are seen."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    cgroup: Path = Path("/sys/fs/cgroup")


class NodeCollector(Collector):
    """Reads the node whenever Prometheus asks; scrapes wait for each other."""

    def __init__(
        self, *, node: str, roots: HostPaths, gpus: GpuSource, pods: PodSource, holders: DeviceOwnerSource, log: Log
    ) -> None:
        self._node, self._roots, self._gpus = node, roots, gpus
        self._read_gpus = BackgroundCall(gpus.read, GPU_SECONDS)
        self._pods, self._holders, self._log = pods, holders, log
        self._scrape_lock = threading.Lock()
        self._failing: dict[str, str] = {}

    def collect(self) -> Iterator[Family]:
        """Yield one family a metric."""
        with self._scrape_lock:
            by_metric: dict[Metric, list[tuple[tuple[str, ...], float]]] = {}
            for metric, value, labels in self._samples():
                by_metric.setdefault(metric, []).append((labels, value))
        for metric, numbers in by_metric.items():
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            for labels, number in numbers:
                family.add_metric(labels, number)
            yield family

    def _samples(self) -> list[Sample]:
        pods = self._try("pods", lambda: [self._pods.by_uid()])
        known: dict[str, Pod] = pods[0] if pods else {}
        readings = self._try("gpus", self._read_gpus)
        return [
            (metrics.GPU_LIBRARY, 1.0, (self._node, *self._gpus.library)),
            *samples(readings, self._node),
            *self._try("devices", lambda: self._gpu_attribution(readings, known)),
            *self._try("node", self._of_node),
            *self._try("infiniband", self._of_ports),
            *self._try("control groups", lambda: self._of_pods(known)),
        ]

    def _try(self, source: str, read: Callable[[], Iterable[T]]) -> list[T]:
        """Return what a source says, nothing if it fails; say so once."""
        try:
            found = list(read())
        except (OSError, ValueError, KeyError) as error:
            if self._failing.get(source) != str(error):
                self._log("source fails", {"source": source, "reason": str(error)}, level="warning")
            self._failing[source] = str(error)
            return []
        self._failing.pop(source, None)
        return found

    def _gpu_attribution(self, readings: list[GpuReading], known: dict[str, Pod]) -> Iterator[Sample]:
        """Say whose each GPU is, and of which nobody can say it."""
        jobs = {(pod.namespace, pod.name): pod.training_job for pod in known.values()}
        held = self._holders.device_owners() if readings else {}
        for reading in readings:
            holders = {pod for device in (reading.uuid, *reading.device_ids) for pod in held.get(device, ())}
            yield metrics.GPU_SHARED, float(len(holders) > 1), (self._node, reading.index)
            if len(holders) == 1:
                (pod,) = holders
                yield metrics.GPU_ASSIGNED, 1.0, (self._node, reading.index, *pod, jobs.get(pod, ""))

    def _of_node(self) -> Iterator[Sample]:
        here, roots = (self._node,), self._roots
        yield metrics.NODE_CPUS, proc.cpus(roots.proc), here
        yield metrics.NODE_CPU_SECONDS, proc.busy_seconds(roots.proc), here
        size, used = proc.memory(roots.proc)
        yield metrics.NODE_MEMORY, size, here
        yield metrics.NODE_MEMORY_USED, used, here
        read, written = proc.disks(roots.proc, roots.sys)
        yield metrics.NODE_DISK, read, (self._node, "read")
        yield metrics.NODE_DISK, written, (self._node, "written")
        for device, moved in sorted(proc.physical_interfaces(self._traffic(NODE_INIT), roots.sys).items()):
            yield metrics.NODE_NETWORK, moved.received_bytes, (self._node, device, "received")
            yield metrics.NODE_NETWORK, moved.sent_bytes, (self._node, device, "sent")

    def _of_ports(self) -> Iterator[Sample]:
        for port in infiniband.ports(self._roots.sys):
            labels = (self._node, port.device, port.number)
            yield metrics.NODE_INFINIBAND, port.received_bytes, (*labels, "received")
            yield metrics.NODE_INFINIBAND, port.sent_bytes, (*labels, "sent")
            yield metrics.NODE_INFINIBAND_ERRORS, port.errors, labels

    def _of_pods(self, known: dict[str, Pod]) -> Iterator[Sample]:
        mapped, outside = proc.mapped_disks(self._roots.sys), self._network(NODE_INIT)
        for uid, group in sorted(pod_groups(self._roots.cgroup).items()):
            if pod := known.get(uid):
                labels = (self._node, pod.namespace, pod.name, pod.training_job)
                yield from _used(group, mapped, labels)
                yield from self._pod_network(group, labels, outside)

    def _pod_network(self, group: PodGroup, labels: tuple[str, ...], outside: int) -> Iterator[Sample]:
        """Yield a pod's traffic; nothing for one in the node's network, or one that has just ended."""
        process = group.process()
        if process is None:
            return
        try:
            if self._network(process) == outside:
                return
            out = [moved for device, moved in self._traffic(process).items() if device != "lo"]
        except OSError:
            return
        yield metrics.POD_NETWORK, sum(moved.received_bytes for moved in out), (*labels, "received")
        yield metrics.POD_NETWORK, sum(moved.sent_bytes for moved in out), (*labels, "sent")

    def _traffic(self, process: int) -> dict[str, proc.Traffic]:
        return proc.devices((self._roots.proc / str(process) / "net" / "dev").read_text())

    def _network(self, process: int) -> int:
        """Return what tells a process's network from others: the kernel makes these files once for each.

        Reading the namespace's own name would need the right to trace processes.
        """
        return os.stat(f"{self._roots.proc}/{process}/net/dev").st_ino


def _used(group: PodGroup, mapped_disks: Container[str], labels: tuple[str, ...]) -> Iterator[Sample]:
    usage = group.usage(mapped_disks)
    told: tuple[tuple[Metric, float | None, tuple[str, ...]], ...] = (
        (metrics.POD_CPU_SECONDS, usage.cpu_seconds, labels),
        (metrics.POD_MEMORY_USED, usage.memory_bytes, labels),
        (metrics.POD_MEMORY_LIMIT, usage.memory_limit_bytes, labels),
        (metrics.POD_DISK, usage.read_bytes, (*labels, "read")),
        (metrics.POD_DISK, usage.written_bytes, (*labels, "written")),
    )
    return ((metric, value, where) for metric, value, where in told if value is not None)
