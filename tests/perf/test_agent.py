"""CPU and memory of the node agent on a node with 8 GPUs and 100 pods, scraped every 5 seconds.

The process, gRPC and TLS are real; the driver is fake and control groups are plain files, so the time of a real driver and
of the kernel is not included.
"""

import http.server
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from llmtrain_agent.podresources import MESSAGES
from support.polling import eventually
from support.process_usage import cpu_seconds, peak_mib

PODS, GPUS = 100, 8
SCRAPE_SECONDS, SCRAPES = 5.0, 12
FIRST_PROCESS = 5000
MANAGED = [
    {
        "manager": "kubelet",
        "operation": "Update",
        "fieldsV1": {"f:status": {f"f:field{n}": {".": {}} for n in range(150)}},
    }
]
"""About the size of a pod's managedFields."""
PORT, API_PORT = 19476, 19477
MAX_CPU, MAX_MIB = 0.01, 80.0
pytestmark = pytest.mark.bench


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Control groups of a hundred pods, each with one container."""
    (tmp_path / "cgroup.controllers").parent.mkdir(exist_ok=True)
    (tmp_path / "cgroup.controllers").write_text("cpu io memory\n")
    for number in range(PODS):
        pod = (
            tmp_path
            / "kubepods.slice"
            / "kubepods-burstable.slice"
            / f"kubepods-burstable-pod{uid(number).replace('-', '_')}.slice"
        )
        (pod / "container").mkdir(parents=True)
        (pod / "cpu.stat").write_text("usage_usec 1000000\nuser_usec 900000\nsystem_usec 100000\n")
        (pod / "memory.current").write_text("1000000000\n")
        (pod / "memory.max").write_text("2000000000\n")
        (pod / "memory.stat").write_text("".join(f"field{row} {row}\n" for row in range(40)) + "inactive_file 1000\n")
        (pod / "io.stat").write_text("8:0 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n")
        (pod / "cgroup.procs").write_text("")
        (pod / "container" / "cgroup.procs").write_text(f"{FIRST_PROCESS + number}\n")
    return tmp_path


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """This machine's /proc, and a process in a separate network for each pod."""
    folder = tmp_path / "proc"
    for name in ("stat", "meminfo", "diskstats", "1/net/dev"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text((Path("/proc") / name).read_text())
    for number in range(PODS):
        net = folder / str(FIRST_PROCESS + number) / "net"
        net.mkdir(parents=True)
        (net / "dev").write_text("x\nx\n" + "".join(f" {name}: 5 0 0 0 0 0 0 0 5 0\n" for name in ("lo", "eth0")))
    return folder


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[str]:
    """A PodResources API that has given each GPU to a pod."""
    response = MESSAGES["ListPodResourcesResponse"]()
    for number in range(PODS):
        pod = response.pod_resources.add(name=f"pod-{number}", namespace="team")
        container = pod.containers.add(name="trainer")
        if number < GPUS:
            container.devices.add(resource_name="nvidia.com/gpu", device_ids=[f"GPU-{uid(number)}"])
    handler = grpc.unary_unary_rpc_method_handler(
        lambda request, context: response,
        request_deserializer=MESSAGES["ListPodResourcesRequest"].FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": handler}),))
    server.add_insecure_port(f"unix:{tmp_path}/kubelet.sock")
    server.start()
    yield f"{tmp_path}/kubelet.sock"
    server.stop(0)


@pytest.fixture
def service_account(tmp_path: Path) -> Iterator[Path]:
    """A service account, and an API server over TLS that lists the pods' metadata."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("token")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            folder / "key",
            "-out",
            folder / "ca.crt",
        ],
        check=True,
        capture_output=True,
    )
    items = [
        {
            "metadata": {
                "uid": uid(number),
                "namespace": "team",
                "name": f"pod-{number}",
                "labels": {"llmtrain.dev/job": "gpt"},
                "managedFields": MANAGED,
            }
        }
        for number in range(PODS)
    ]
    body = json.dumps({"items": items}).encode()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", API_PORT), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.crt", folder / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


@pytest.mark.timeout(180)
def test_cost_of_the_agent(node: Path, proc: Path, kubelet: str, service_account: Path, library: Path) -> None:
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(library),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(API_PORT),
    }
    command = [
        sys.executable,
        "-m",
        "llmtrain_agent",
        "--node=n1",
        f"--port={PORT}",
        f"--cgroup={node}",
        f"--proc={proc}",
        f"--pod-resources={kubelet}",
        f"--service-account-dir={service_account}",
    ]
    agent = subprocess.Popen(command, env=environment)
    try:
        text = scrape()
        began, spent = time.monotonic(), cpu_seconds(agent.pid)
        for number in range(1, SCRAPES + 1):
            time.sleep(max(0.0, began + number * SCRAPE_SECONDS - time.monotonic()))
            text = scrape()
        ratio = (cpu_seconds(agent.pid) - spent) / (time.monotonic() - began)
        peak = peak_mib(agent.pid)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(10)
    assert text.count("llmtrain_pod_cpu_seconds_total{") == PODS
    assert text.count("llmtrain_pod_network_bytes_total{") == 2 * PODS
    assert text.count("llmtrain_gpu_assigned{") == GPUS
    print(f"agent_cpu_ratio {ratio:.4f} ratio")
    print(f"agent_peak_mib {peak:.1f} MiB")
    print(f"agent_series {len([line for line in text.splitlines() if line.startswith('llmtrain')])} series")
    assert ratio < MAX_CPU
    assert peak < MAX_MIB


def scrape() -> str:
    """Return the agent's metrics, as soon as it serves them."""
    return eventually(exposition, "the agent serves its metrics", seconds=20)


def exposition() -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as answer:
            return str(answer.read(), "utf-8")
    except OSError:
        return ""
