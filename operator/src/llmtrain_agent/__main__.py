"""Starts the node agent: `python -m llmtrain_agent --node NAME`."""

import argparse
import os
import signal
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from llmtrain_agent.background_call import BackgroundCall
from llmtrain_agent.collector import ExternalGpuExporter, HostPaths, NodeCollector
from llmtrain_agent.gpu.driver import Driver
from llmtrain_agent.log import write
from llmtrain_agent.podresources import SOCKET, PodResources
from llmtrain_agent.pods import ACCOUNT, Pods, pod_lister
from llmtrain_api.names import AGENT_PORT

TEXT = """Tells Prometheus what this node, its GPUs and the pods on it do. It runs once on each node, as the chart's
DaemonSet does it. A GPU library that is missing, or a kubelet that doesn't answer, costs only what it would have told."""
API_SECONDS = 1.0
"""How long the API server is waited for."""


def no_pods() -> bytes:
    """Know of no pods: there is no API server to ask."""
    return b"{}"


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="llmtrain_agent", description=TEXT)
    parser.add_argument(
        "--node", default=os.environ.get("LLMTRAIN_NODE") or os.uname().nodename, help="this node's name"
    )
    parser.add_argument(
        "--port", type=int, default=AGENT_PORT, help=f"where /metrics is served; by default {AGENT_PORT}"
    )
    parser.add_argument(
        "--gpus",
        choices=("auto", "off"),
        default="auto",
        help="off leaves GPUs alone: DCGM exporter tells of them here",
    )
    parser.add_argument("--proc", type=Path, default=Path("/proc"), help="the node's /proc")
    parser.add_argument("--sys", type=Path, default=Path("/sys"), help="the node's /sys")
    parser.add_argument("--cgroup", type=Path, default=Path("/sys/fs/cgroup"), help="the node's control groups")
    parser.add_argument("--pod-resources", default=SOCKET, help="socket of the kubelet's PodResources API")
    parser.add_argument(
        "--service-account-dir", type=Path, default=ACCOUNT, help="folder of the service account's token"
    )
    options = parser.parse_args()
    server = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    ask = pod_lister(options.node, *server, options.service_account_dir) if server[0] else no_pods
    registry = CollectorRegistry()
    registry.register(
        NodeCollector(
            node=options.node,
            roots=HostPaths(proc=options.proc, sys=options.sys, cgroup=options.cgroup),
            gpus=Driver(write) if options.gpus == "auto" else ExternalGpuExporter(),
            pods=Pods(BackgroundCall(ask, API_SECONDS)),
            holders=PodResources(options.pod_resources),
            log=write,
        )
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    start_http_server(options.port, registry=registry)
    write("serving", {"node": options.node, "port": options.port, "gpus": options.gpus})
    ended.wait()


if __name__ == "__main__":
    main()
