"""What the measurements of the operator have in common: the sizes, the cluster, and how jobs are started."""

import math
import os
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from llmtrain_kind.cluster import Cluster
from perf.scale.bulk_client import BulkClient, bulk_client
from perf.scale.cluster import make_nodes
from perf.scale.objects import job, jobs_path, make_namespace, names, pods_path

NAMESPACE, BARE, REFUSED, FEW = "bench", "bench-bare", "bench-refused", "bench-few"


def size(name: str, default: int) -> int:
    """Return a size of the benchmark from the environment."""
    return int(os.environ.get(f"LLMTRAIN_BENCH_{name}", default))


JOBS, WORKERS, NODES = size("JOBS", 1000), size("WORKERS", 8), size("NODES", 250)
FEW_JOBS = size("FEW_JOBS", 20)
"""Jobs that start at once in a small and in a big cluster."""
DEATHS = size("DEATHS", 60)
UNSTARTED = size("UNSTARTED", 100)
"""Jobs that wait for an LLMCluster, and as many that a quota refuses."""
STORED_NODES, STORED_PODS = size("STORED_NODES", 10_000), size("STORED_PODS", 150_000)
"""Nodes and pods of others in the big cluster; they are objects without kubelets."""
SETTLE_SECONDS, WINDOW_SECONDS = size("SETTLE_SECONDS", 90), size("WINDOW_SECONDS", 60)
START_SECONDS = size("START_SECONDS", 1800)
"""Limit of a phase."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The cluster and everything that runs on this machine for it."""

    cluster: Cluster
    folder: Path
    started_at: float
    """When the coordinators started to answer."""

    def client(self) -> AbstractAsyncContextManager[BulkClient]:
        """Connect as the cluster's administrator."""
        return bulk_client(self.cluster.paths.kubeconfig)


async def prepare(bench: Bench) -> None:
    """Make nodes with GPUs for all workers, and namespaces without jobs and pods."""
    gpus = math.ceil(1.25 * (JOBS + FEW_JOBS) * WORKERS / NODES)
    async with bench.client() as client:
        for namespace in (NAMESPACE, BARE, REFUSED, FEW):
            await make_namespace(client, namespace)
            await clean(client, namespace)
        await make_nodes(bench.cluster, client, NODES, gpus=gpus)


async def clean(client: BulkClient, namespace: str) -> None:
    """Delete all jobs and pods of a namespace."""
    await client.delete_all(jobs_path(namespace))
    await client.delete_all(pods_path(namespace))
    await client.until_count(pods_path(namespace), 0, 600)


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    print(f"{name} {value:.3f} {unit}", flush=True)


def high(values: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


async def start(client: BulkClient, namespace: str, jobs: int) -> float:
    """Create jobs at once; return the seconds until all their pods exist."""
    began = time.monotonic()
    await client.create(jobs_path(namespace), (job(name, WORKERS) for name in names(jobs)))
    await client.until_count(pods_path(namespace), jobs * (WORKERS + 1), START_SECONDS)
    return time.monotonic() - began
