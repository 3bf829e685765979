"""One scrape exports every source, and a source that fails does not affect the others."""

import io
import json
import os
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from llmtrain_agent.collector import HostPaths, NodeCollector
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.pods import Pod
from llmtrain_api.events import AgentEvent
from llmtrain_api.jsonlog import JsonLog

UID = "c181b5db-1027-48b1-a895-4384085236f5"
POD_LABELS = {"node": "n1", "namespace": "team", "pod": "gpt-worker-0", "training_job": "gpt"}
NET_DEV = "x\nx\n lo: 5 0 0 0 0 0 0 0 5 0\n eth0: 100 0 0 0 0 0 0 0 200 0\n"


class FakeSources:
    """The GPUs, pods and device owners of a node."""

    library = ("nvml", "570")

    def __init__(self) -> None:
        self.owners = {"GPU-a": {("team", "gpt-worker-0")}, "GPU-b": {("team", "x"), ("team", "y")}}
        self.unreachable = False
        """Whether the API server and the kubelet fail."""
        self.driver_answers = threading.Event()
        self.driver_answers.set()
        self.log = io.StringIO()

    def by_uid(self) -> dict[str, Pod]:
        if self.unreachable:
            raise OSError("the API server is unreachable")
        return {UID: Pod(namespace="team", name="gpt-worker-0", training_job="gpt")}

    def device_owners(self) -> dict[str, set[tuple[str, str]]]:
        if self.unreachable:
            raise OSError("the kubelet is unreachable")
        return self.owners

    def read(self) -> tuple[GpuReading, ...]:
        self.driver_answers.wait(30)
        return tuple(GpuReading(index=str(i), uuid=f"GPU-{name}", model="H") for i, name in enumerate("abc"))

    def failures(self) -> list[tuple[str, str]]:
        """Return (source, reason) of the logged failures."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [(line["source"], line["reason"]) for line in lines if line["event"] == AgentEvent.SOURCE_FAILED]


@pytest.fixture
def paths(tmp_path: Path) -> HostPaths:
    """Return the file systems of a node with one pod."""
    files = {
        "proc/stat": "cpu 100 0 0 5 0 0 0 0 0 0\ncpu0 1\n",
        "proc/meminfo": "MemTotal: 100 kB\nMemAvailable: 40 kB\n",
        "proc/diskstats": "",
        "proc/1/net/dev": NET_DEV + "veth1: 1 0 0 0 0 0 0 0 1 0\n",
        "proc/77/net/dev": NET_DEV,
        "cgroup/cgroup.controllers": "",
        f"cgroup/kubepods/pod{UID}/memory.current": "1000",
        f"cgroup/kubepods/pod{UID}/c/cgroup.procs": "77",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return HostPaths(proc=tmp_path / "proc", sys=tmp_path / "sys", cgroup=tmp_path / "cgroup")


def registry(sources: FakeSources, paths: HostPaths, gpu_timeout_seconds: float = 10.0) -> CollectorRegistry:
    """Return a registry with a collector of the sources."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        NodeCollector(
            node="n1",
            paths=paths,
            gpus=sources,
            pods=sources,
            device_owners=sources,
            log=JsonLog(stream=sources.log),
            gpu_timeout_seconds=gpu_timeout_seconds,
        )
    )
    return registry


def test_a_pods_usage_is_exported(paths: HostPaths) -> None:
    scrape = registry(FakeSources(), paths)
    assert scrape.get_sample_value("llmtrain_pod_memory_used_bytes", POD_LABELS) == 1000
    assert scrape.get_sample_value("llmtrain_pod_network_bytes_total", {**POD_LABELS, "direction": "received"}) == 100
    assert scrape.get_sample_value("llmtrain_pod_network_bytes_total", {**POD_LABELS, "direction": "sent"}) == 200
    assert scrape.get_sample_value("llmtrain_pod_memory_limit_bytes", POD_LABELS) is None


def test_a_pod_in_the_nodes_network_namespace_has_no_traffic(paths: HostPaths) -> None:
    (paths.proc / "77/net/dev").unlink()
    os.link(paths.proc / "1/net/dev", paths.proc / "77/net/dev")  # the kernel has one such inode per network namespace
    labels = {**POD_LABELS, "direction": "received"}
    assert registry(FakeSources(), paths).get_sample_value("llmtrain_pod_network_bytes_total", labels) is None


def test_gpus_are_attributed_to_pods(paths: HostPaths) -> None:
    scrape = registry(FakeSources(), paths)
    shared = [scrape.get_sample_value("llmtrain_gpu_shared", {"node": "n1", "gpu": gpu}) for gpu in "012"]
    assert shared == [0, 1, 0]
    assert scrape.get_sample_value("llmtrain_gpu_assigned", {**POD_LABELS, "gpu": "0"}) == 1
    assigned = [
        sample for family in scrape.collect() for sample in family.samples if sample.name == "llmtrain_gpu_assigned"
    ]
    assert len(assigned) == 1, "a shared GPU and a free one are assigned to no pod"


def test_a_source_that_fails_does_not_affect_the_others_and_is_logged_once(paths: HostPaths) -> None:
    sources = FakeSources()
    sources.unreachable = True
    (paths.proc / "meminfo").unlink()
    scrape = registry(sources, paths)
    assert scrape.get_sample_value("llmtrain_gpu_info", {"node": "n1", "gpu": "0", "uuid": "GPU-a", "model": "H"}) == 1
    assert scrape.get_sample_value("llmtrain_node_cpus", {"node": "n1"}) is None
    assert sorted(source for source, _ in sources.failures()) == ["devices", "node", "pods"]


def test_a_driver_that_hangs_costs_only_its_gpus_and_one_thread(paths: HostPaths) -> None:
    sources, gpu = FakeSources(), {"node": "n1", "gpu": "0"}
    scrape = registry(sources, paths, gpu_timeout_seconds=0.05)
    sources.driver_answers.clear()
    before = threading.active_count()
    for _ in range(3):
        assert scrape.get_sample_value("llmtrain_gpu_lost", gpu) is None
        assert scrape.get_sample_value("llmtrain_node_cpus", {"node": "n1"}) == 1
    assert threading.active_count() == before + 1
    assert sources.failures() == [("gpus", "no answer within 0.05 s")]
    sources.driver_answers.set()
    assert scrape.get_sample_value("llmtrain_gpu_lost", gpu) == 0
