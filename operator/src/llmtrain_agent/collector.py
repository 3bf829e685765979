"""Collects one scrape: every source is read once, and a source that fails does not affect the others."""

import os
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_agent import infiniband, proc
from llmtrain_agent.attribution import attribute_gpus, attribution_samples
from llmtrain_agent.background_call import BackgroundCall
from llmtrain_agent.cgroups import PodGroup, pod_groups
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.gpu.samples import samples
from llmtrain_agent.podresources import PodName
from llmtrain_agent.pods import Pod
from llmtrain_api.events import AgentEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Metric, Sample, families

T = TypeVar("T")
NODE_INIT = 1
"""Process 1, which is always in the node's network namespace."""
GPU_TIMEOUT_SECONDS = 1.0
"""How long a scrape waits for the driver. A later answer is used by the next scrape."""
Family = CounterMetricFamily | GaugeMetricFamily


class GpuSource(Protocol):
    """A source of the node's GPUs."""

    @property
    def library(self) -> tuple[str, str]:
        """Return the name of the library that reads them, and its version."""

    def read(self) -> tuple[GpuReading, ...]:
        """Read every GPU once."""


class ExternalGpuExporter:
    """The GPUs of a node on which DCGM exporter reads them: the agent reads none."""

    library = ("dcgm", "")

    def read(self) -> tuple[GpuReading, ...]:
        """Return no reading."""
        return ()


class PodSource(Protocol):
    """A source of the node's pods."""

    def by_uid(self) -> dict[str, Pod]:
        """Return the pods by UID."""


class DeviceOwnerSource(Protocol):
    """A source of the pods that own the node's devices."""

    def device_owners(self) -> dict[str, set[PodName]]:
        """Return the pods by device id."""


@dataclass(frozen=True, kw_only=True)
class HostPaths:
    """Where the node's file systems are mounted."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    cgroup: Path = Path("/sys/fs/cgroup")


class NodeCollector(Collector):
    """Reads the node at each scrape; concurrent scrapes run one after the other."""

    def __init__(
        self,
        *,
        node: str,
        paths: HostPaths,
        gpus: GpuSource,
        pods: PodSource,
        device_owners: DeviceOwnerSource,
        log: JsonLog,
        gpu_timeout_seconds: float = GPU_TIMEOUT_SECONDS,
    ) -> None:
        self._node, self._paths, self._gpus = node, paths, gpus
        self._read_gpus = BackgroundCall(gpus.read, gpu_timeout_seconds)
        self._pods, self._device_owners, self._log = pods, device_owners, log
        self._scrape_lock = threading.Lock()
        self._failures: dict[str, str] = {}
        """Error of each source that currently fails."""

    def collect(self) -> Iterator[Family]:
        """Return one family per metric."""
        with self._scrape_lock:
            samples = self._samples()
        return families(samples, gauge_family=GaugeMetricFamily, counter_family=CounterMetricFamily)

    def _samples(self) -> list[Sample]:
        by_uid = dict(self._read_source("pods", lambda: self._pods.by_uid().items()))
        readings = self._read_source("gpus", self._read_gpus)
        return [
            Sample(metrics.GPU_LIBRARY, (self._node, *self._gpus.library), 1.0),
            *samples(readings, self._node),
            *self._read_source("devices", lambda: self._attribution_samples(readings, by_uid.values())),
            *self._read_source("node", self._node_samples),
            *self._read_source("infiniband", self._port_samples),
            *self._read_source("control groups", lambda: self._pod_samples(by_uid)),
        ]

    def _read_source(self, source: str, read: Callable[[], Iterable[T]]) -> list[T]:
        """Return what a source yields, or nothing if it fails; each new reason of a failure is logged once."""
        try:
            found = list(read())
        except (OSError, ValueError, KeyError) as error:
            if self._failures.get(source) != str(error):
                self._log.warning(AgentEvent.SOURCE_FAILED, source=source, reason=str(error))
            self._failures[source] = str(error)
            return []
        self._failures.pop(source, None)
        return found

    def _attribution_samples(self, readings: list[GpuReading], pods: Iterable[Pod]) -> Iterator[Sample]:
        owners = self._device_owners.device_owners() if readings else {}
        return attribution_samples(attribute_gpus(readings, owners, pods), self._node)

    def _node_samples(self) -> Iterator[Sample]:
        labels, paths = (self._node,), self._paths
        yield Sample(metrics.NODE_CPUS, labels, proc.cpus(paths.proc))
        yield Sample(metrics.NODE_CPU_SECONDS, labels, proc.busy_seconds(paths.proc))
        size, used = proc.memory(paths.proc)
        yield Sample(metrics.NODE_MEMORY, labels, size)
        yield Sample(metrics.NODE_MEMORY_USED, labels, used)
        read, written = proc.disks(paths.proc, paths.sys)
        yield Sample(metrics.NODE_DISK, (self._node, "read"), read)
        yield Sample(metrics.NODE_DISK, (self._node, "written"), written)
        for interface, traffic in sorted(proc.physical_interfaces(self._traffic(NODE_INIT), paths.sys).items()):
            yield Sample(metrics.NODE_NETWORK, (self._node, interface, "received"), traffic.received_bytes)
            yield Sample(metrics.NODE_NETWORK, (self._node, interface, "sent"), traffic.sent_bytes)

    def _port_samples(self) -> Iterator[Sample]:
        for port in infiniband.ports(self._paths.sys):
            labels = (self._node, port.device, port.number)
            yield Sample(metrics.NODE_INFINIBAND, (*labels, "received"), port.received_bytes)
            yield Sample(metrics.NODE_INFINIBAND, (*labels, "sent"), port.sent_bytes)
            yield Sample(metrics.NODE_INFINIBAND_ERRORS, labels, port.errors)

    def _pod_samples(self, by_uid: dict[str, Pod]) -> Iterator[Sample]:
        mapped_disks, node_network = proc.mapped_disks(self._paths.sys), self._network_namespace(NODE_INIT)
        for uid, group in sorted(pod_groups(self._paths.cgroup).items()):
            if pod := by_uid.get(uid):
                labels = (self._node, pod.namespace, pod.name, pod.training_job)
                yield from _usage_samples(group, mapped_disks, labels)
                yield from self._pod_network(group, labels, node_network)

    def _pod_network(self, group: PodGroup, labels: tuple[str, ...], node_network: int) -> Iterator[Sample]:
        """Yield a pod's traffic; nothing for a pod in the node's network, or for one that has just ended."""
        process = group.process()
        if process is None:
            return
        try:
            if self._network_namespace(process) == node_network:
                return
            traffic = [moved for interface, moved in self._traffic(process).items() if interface != "lo"]
        except OSError:
            return
        yield Sample(metrics.POD_NETWORK, (*labels, "received"), sum(moved.received_bytes for moved in traffic))
        yield Sample(metrics.POD_NETWORK, (*labels, "sent"), sum(moved.sent_bytes for moved in traffic))

    def _traffic(self, process: int) -> dict[str, proc.Traffic]:
        return proc.interfaces((self._paths.proc / str(process) / "net" / "dev").read_text())

    def _network_namespace(self, process: int) -> int:
        """Return a number that identifies a process's network namespace: the inode of a file that exists once in each.

        Reading the namespace's own link would need the permission to trace processes.
        """
        return os.stat(f"{self._paths.proc}/{process}/net/dev").st_ino


def _usage_samples(group: PodGroup, mapped_disks: Container[str], labels: tuple[str, ...]) -> Iterator[Sample]:
    usage = group.usage(mapped_disks)
    values: tuple[tuple[Metric, tuple[str, ...], float | None], ...] = (
        (metrics.POD_CPU_SECONDS, labels, usage.cpu_seconds),
        (metrics.POD_MEMORY_USED, labels, usage.memory_bytes),
        (metrics.POD_MEMORY_LIMIT, labels, usage.memory_limit_bytes),
        (metrics.POD_DISK, (*labels, "read"), usage.read_bytes),
        (metrics.POD_DISK, (*labels, "written"), usage.written_bytes),
    )
    return (Sample(metric, labels, value) for metric, labels, value in values if value is not None)
