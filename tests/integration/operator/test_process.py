"""The operator as a process, with an API server that fails: it stays, forgets what is gone, and stops in peace."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from support.fake_api_server import FakeApiServer
from support.ports import free_port

SPEC = {
    "workers": {"replicas": 2},
    "data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}},
    "training": {"steps": 100},
    "checkpoint": {"volume": "checkpoints"},
}
LEASE = ("llmtrain-system", "llmtrain-operator")
GARBAGE = (
    b"no JSON",
    b"[]",
    b'{"type":3}',
    b'{"type":"ADDED","object":{"metadata":null}}',
    b'{"type":"ADDED","object":[1]}',
)


def job(name: str) -> Any:
    metadata = {"name": name, "namespace": "ns", "generation": 1, "creationTimestamp": "2026-11-23T12:00:00Z"}
    return {"apiVersion": "llmtrain.dev/v1alpha1", "kind": "LLMTrainingJob", "metadata": metadata, "spec": SPEC}


class Cluster:
    """A fake API server, and operators that use it."""

    def __init__(self, server: FakeApiServer, url: str, directory: Path) -> None:
        self.server, self.kubeconfig, self.directory = server, directory / "kubeconfig", directory
        (directory / "key").write_text("k" * 64)
        self.processes: list[asyncio.subprocess.Process] = []
        self.metrics_ports: list[int] = []
        config = {
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        self.kubeconfig.write_text(json.dumps(config))

    @property
    def holder(self) -> str:
        lease = self.server.objects["leases"].get(LEASE)
        return str(lease["spec"]["holderIdentity"]) if lease else ""

    async def start(self, name: str) -> asyncio.subprocess.Process:
        """Start an operator."""
        images = {f"LLMTRAIN_{image}_IMAGE": "i" for image in ("COORDINATOR", "TRAINER", "TRAINER_CPU")}
        self.metrics_ports.append(free_port())
        settings = {
            "KUBECONFIG": str(self.kubeconfig),
            "LLMTRAIN_NAMESPACE": LEASE[0],
            "LLMTRAIN_KEY_DIRECTORY": str(self.directory),
            "LLMTRAIN_POD_NAME": name,
            "LLMTRAIN_METRICS_PORT": str(self.metrics_ports[-1]),
            "LLMTRAIN_HEALTH_PORT": str(free_port()),
        }
        inherited = {key: value for key, value in os.environ.items() if key != "KUBERNETES_SERVICE_HOST"}
        environment = {**inherited, **images, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "llmtrain_operator", env=environment)
        self.processes.append(process)
        return process

    async def metrics(self) -> str:
        """Return the metrics of the operator that was started first."""
        url = f"http://127.0.0.1:{self.metrics_ports[0]}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return await response.text()


async def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    server = FakeApiServer()
    async with TestServer(server.app()) as running:
        found = Cluster(server, str(running.make_url("")).rstrip("/"), tmp_path)
        yield found
        for process in found.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        for plural in tuple(server.watches):
            server.send(plural, None)


def stage(cluster: Cluster, name: str) -> str:
    """Return the stage in the status of a job, empty before it has one."""
    found = cluster.server.objects["llmtrainingjobs"]["ns", name]
    return str(found.get("status", {}).get("stage", ""))


async def test_an_operator_that_stops_hands_over_at_once(cluster: Cluster) -> None:
    first = await cluster.start("first")
    await wait_for(lambda: cluster.holder == "first")
    await cluster.start("second")
    await wait_for(lambda: len(cluster.server.watches["pods"]) == 2)
    first.send_signal(signal.SIGTERM)
    await wait_for(lambda: cluster.holder == "second", 8)
    assert await asyncio.wait_for(first.wait(), 10) == 0


async def test_the_lease_is_renewed_over_connections_that_no_other_request_can_keep_busy(cluster: Cluster) -> None:
    cluster.server.put("llmtrainingjobs", job("j"))
    await cluster.start("operator")
    await wait_for(lambda: stage(cluster, "j") == "Waiting")
    peers = dict(cluster.server.peers)
    renewing = peers.pop("leases")
    assert renewing
    assert not renewing & set().union(*peers.values())


async def test_garbage_ends_no_operator_and_delays_no_other_job(cluster: Cluster) -> None:
    requests = {"nvidia.com/gpu": "1k"}
    pod = {
        "metadata": {"name": "p", "namespace": "any"},
        "spec": {"containers": [{"resources": {"requests": requests}}]},
    }
    cluster.server.put("pods", pod)
    cluster.server.put(
        "pods", {"metadata": {"name": "null", "namespace": "any", "labels": None}, "spec": None, "status": []}
    )
    cluster.server.put("llmtrainingjobs", {**job("broken"), "spec": None, "status": []})
    process = await cluster.start("operator")
    await wait_for(lambda: cluster.holder == "operator")
    for line in (*GARBAGE, b'{"type":"ADDED","object":{"data":"%s"}}' % (b"x" * (6 * 2**20))):
        await wait_for(lambda: all(cluster.server.watches[plural] for plural in ("pods", "llmtrainingjobs")))
        for plural in tuple(cluster.server.watches):
            cluster.server.send(plural, line)
    cluster.server.put("llmtrainingjobs", job("good"))
    await wait_for(lambda: stage(cluster, "good") == "Waiting")
    assert process.returncode is None
    assert "llmtrain_operator_unreadable_objects_total" in await cluster.metrics()


async def test_a_job_that_was_deleted_while_the_watch_was_broken_is_forgotten(cluster: Cluster) -> None:
    cluster.server.put("llmtrainingjobs", job("j"))
    await cluster.start("operator")
    await wait_for(lambda: stage(cluster, "j") == "Waiting")
    assert 'job="j"' in await cluster.metrics()
    cluster.server.gone = True
    del cluster.server.objects["llmtrainingjobs"]["ns", "j"]
    for plural in tuple(cluster.server.watches):
        cluster.server.send(plural, None)
    lists = cluster.server.lists.count("llmtrainingjobs")
    await wait_for(lambda: cluster.server.lists.count("llmtrainingjobs") > lists)
    cluster.server.gone = False
    await wait_for(lambda: bool(cluster.server.watches["llmtrainingjobs"]))
    assert 'job="j"' not in await cluster.metrics()


async def test_an_operator_that_was_frozen_changes_nothing_after_another_has_taken_over(cluster: Cluster) -> None:
    first = await cluster.start("first")
    await wait_for(lambda: cluster.holder == "first")
    await cluster.start("second")
    first.send_signal(signal.SIGSTOP)
    await wait_for(lambda: cluster.holder == "second", 40)
    first.send_signal(signal.SIGCONT)
    cluster.server.put("llmtrainingjobs", job("j"))
    await wait_for(lambda: stage(cluster, "j") == "Waiting")
    await asyncio.wait_for(first.wait(), 20)
    assert cluster.holder == "second"
