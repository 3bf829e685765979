"""The node agent's command line: `python -m llmtrain_agent --node NAME`."""

import argparse
import os
import signal
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from llmtrain_agent.background_call import BackgroundCall
from llmtrain_agent.collector import ExternalGpuExporter, HostPaths, NodeCollector
from llmtrain_agent.gpu.driver import Driver
from llmtrain_agent.podresources import SOCKET, PodResources
from llmtrain_agent.pods import SERVICE_ACCOUNT_DIR, Pods, pod_lister
from llmtrain_api.events import AgentEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.listening import any_address
from llmtrain_api.names import AGENT_PORT
from llmtrain_api.stop_signals import stop_signals

DESCRIPTION = """\
Exports metrics of this node, its GPUs and the pods on it to Prometheus. The Helm chart runs one agent per
node as a DaemonSet.

  GPUs          NVML: utilization, memory, power, clocks, ECC and Xid errors, NVLink and PCIe traffic
  attribution   the kubelet's PodResources API: which pod a GPU is assigned to
  pods          control groups: CPU, memory, disk and network of each pod, with its training job
  node          /proc and /sys: CPU, memory, disks, network and InfiniBand

A missing GPU library or an unreachable kubelet only removes the metrics that come from it.
"""
EPILOG = f"""\
Example: the metrics of this machine, without pods:

  python -m llmtrain_agent --port {AGENT_PORT}
  curl http://localhost:{AGENT_PORT}/metrics

`make gpu-check` compares the GPU metrics with nvidia-smi.
"""
API_TIMEOUT_SECONDS = 1.0
"""How long a scrape waits for the API server."""


def no_pods() -> bytes:
    """Return an empty list of pods, for a machine outside a cluster."""
    return b"{}"


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    options = argparse.ArgumentParser(
        prog="python -m llmtrain_agent",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--node",
        default=os.environ.get("LLMTRAIN_NODE") or os.uname().nodename,
        help="name of this node (default: $LLMTRAIN_NODE or the host name, %(default)s)",
    )
    options.add_argument("--port", type=int, default=AGENT_PORT, help="port of /metrics (default: %(default)s)")
    options.add_argument(
        "--gpus",
        choices=("auto", "off"),
        default="auto",
        help="off: do not read GPUs, because DCGM exporter reads them (default: %(default)s)",
    )
    options.add_argument("--proc", type=Path, default=Path("/proc"), help="the node's /proc (default: %(default)s)")
    options.add_argument("--sys", type=Path, default=Path("/sys"), help="the node's /sys (default: %(default)s)")
    options.add_argument(
        "--cgroup",
        type=Path,
        default=Path("/sys/fs/cgroup"),
        help="mount point of the node's control groups (default: %(default)s)",
    )
    options.add_argument(
        "--pod-resources", default=SOCKET, help="socket of the kubelet's PodResources API (default: %(default)s)"
    )
    options.add_argument(
        "--service-account-dir",
        type=Path,
        default=SERVICE_ACCOUNT_DIR,
        help="directory with the service account's token and CA certificate (default: %(default)s)",
    )
    return options


def main() -> None:
    """Serve until a stop signal."""
    options, log = parser().parse_args(), JsonLog()
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    list_pods = pod_lister(options.node, host, port, options.service_account_dir) if host else no_pods
    registry = CollectorRegistry()
    registry.register(
        NodeCollector(
            node=options.node,
            paths=HostPaths(proc=options.proc, sys=options.sys, cgroup=options.cgroup),
            gpus=Driver(log) if options.gpus == "auto" else ExternalGpuExporter(),
            pods=Pods(BackgroundCall(list_pods, API_TIMEOUT_SECONDS)),
            device_owners=PodResources(options.pod_resources),
            log=log,
        )
    )
    stopped = threading.Event()
    for number in stop_signals():
        signal.signal(number, lambda *_: stopped.set())
    start_http_server(options.port, addr=any_address(), registry=registry)
    log.info(AgentEvent.AGENT_STARTED, node=options.node, port=options.port, gpus=options.gpus)
    stopped.wait()


if __name__ == "__main__":
    main()
