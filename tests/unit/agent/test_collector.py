"""One scrape tells all sources; one that fails takes nothing from the others."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from llmtrain_agent.collector import HostPaths, NodeCollector
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.pods import Pod

UID = "c181b5db-1027-48b1-a895-4384085236f5"
OF_POD = {"node": "n1", "namespace": "team", "pod": "gpt-worker-0", "training_job": "gpt"}


class Fakes:
    """Everything the collector asks, as a test wants it."""

    def __init__(self) -> None:
        self.held = {"GPU-a": {("team", "gpt-worker-0")}, "GPU-b": {("team", "x"), ("team", "y")}}
        self.fails = False
        self.hangs = threading.Event()
        self.hangs.set()
        self.said: list[str] = []

    def by_uid(self) -> dict[str, Pod]:
        if self.fails:
            raise OSError("the API server is away")
        return {UID: Pod(namespace="team", name="gpt-worker-0", training_job="gpt")}

    def device_owners(self) -> dict[str, set[tuple[str, str]]]:
        if self.fails:
            raise OSError("the kubelet is away")
        return self.held

    library = ("nvml", "570")

    def read(self) -> tuple[GpuReading, ...]:
        self.hangs.wait(30)
        return tuple(GpuReading(index=str(i), uuid=f"GPU-{name}", model="H") for i, name in enumerate("abc"))

    def log(self, event: str, facts: Mapping[str, object], *, level: str = "info") -> None:
        self.said.append(f"{facts['source']}: {facts['reason']}")


NET = "x\nx\n lo: 5 0 0 0 0 0 0 0 5 0\n eth0: 100 0 0 0 0 0 0 0 200 0\n"


@pytest.fixture
def roots(tmp_path: Path) -> HostPaths:
    files = {
        "proc/stat": "cpu 100 0 0 5 0 0 0 0 0 0\ncpu0 1\n",
        "proc/meminfo": "MemTotal: 100 kB\nMemAvailable: 40 kB\n",
        "proc/diskstats": "",
        "proc/1/net/dev": NET + "veth1: 1 0 0 0 0 0 0 0 1 0\n",
        "proc/77/net/dev": NET,
        "cgroup/cgroup.controllers": "",
        f"cgroup/kubepods/pod{UID}/memory.current": "1000",
        f"cgroup/kubepods/pod{UID}/c/cgroup.procs": "77",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return HostPaths(proc=tmp_path / "proc", sys=tmp_path / "sys", cgroup=tmp_path / "cgroup")


def registry(fakes: Fakes, roots: HostPaths) -> CollectorRegistry:
    found = CollectorRegistry(auto_describe=False)
    found.register(
        NodeCollector(
            node="n1",
            roots=roots,
            gpus=fakes,
            pods=fakes,
            holders=fakes,
            log=fakes.log,  # type: ignore[arg-type]
        )
    )
    return found


def test_what_a_pod_uses(roots: HostPaths) -> None:
    told = registry(Fakes(), roots)
    assert told.get_sample_value("llmtrain_pod_memory_used_bytes", OF_POD) == 1000
    assert told.get_sample_value("llmtrain_pod_network_bytes_total", {**OF_POD, "direction": "received"}) == 100
    assert told.get_sample_value("llmtrain_pod_network_bytes_total", {**OF_POD, "direction": "sent"}) == 200
    assert told.get_sample_value("llmtrain_pod_memory_limit_bytes", OF_POD) is None


def test_a_pod_in_the_nodes_network_has_no_traffic_of_its_own(roots: HostPaths) -> None:
    (roots.proc / "77/net/dev").unlink()
    os.link(roots.proc / "1/net/dev", roots.proc / "77/net/dev")  # of one network the kernel has one file
    labels = {**OF_POD, "direction": "received"}
    assert registry(Fakes(), roots).get_sample_value("llmtrain_pod_network_bytes_total", labels) is None


def test_whose_each_gpu_is(roots: HostPaths) -> None:
    told = registry(Fakes(), roots)
    shared = [told.get_sample_value("llmtrain_gpu_shared", {"node": "n1", "gpu": gpu}) for gpu in "012"]
    assert shared == [0, 1, 0]
    assert told.get_sample_value("llmtrain_gpu_assigned", {**OF_POD, "gpu": "0"}) == 1
    assigned = [
        sample for family in told.collect() for sample in family.samples if sample.name == "llmtrain_gpu_assigned"
    ]
    assert len(assigned) == 1, "a shared GPU and one that nobody holds are of no pod"


def test_a_source_that_fails_takes_nothing_from_the_others_and_says_so_once(roots: HostPaths) -> None:
    fakes = Fakes()
    fakes.fails = True
    (roots.proc / "meminfo").unlink()
    told = registry(fakes, roots)
    assert told.get_sample_value("llmtrain_gpu_info", {"node": "n1", "gpu": "0", "uuid": "GPU-a", "model": "H"}) == 1
    assert told.get_sample_value("llmtrain_node_cpus", {"node": "n1"}) is None
    said = sorted(line.split(":")[0] for line in fakes.said)
    assert said == ["devices", "node", "pods"]


def test_a_driver_that_hangs_costs_only_its_gpus_and_one_thread(
    roots: HostPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmtrain_agent.collector.GPU_SECONDS", 0.05)
    fakes = Fakes()
    told, gpu = registry(fakes, roots), {"node": "n1", "gpu": "0"}
    fakes.hangs.clear()
    before = threading.active_count()
    for _ in range(3):
        assert told.get_sample_value("llmtrain_gpu_lost", gpu) is None
        assert told.get_sample_value("llmtrain_node_cpus", {"node": "n1"}) == 1
    assert threading.active_count() == before + 1
    assert fakes.said == ["gpus: no answer within 0.05 s"]
    fakes.hangs.set()
    assert told.get_sample_value("llmtrain_gpu_lost", gpu) == 0
