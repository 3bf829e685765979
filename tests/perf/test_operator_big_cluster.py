"""The operator in a cluster with thousands of nodes, and with many pods of others, which are mere objects."""

import statistics

import pytest

from perf.scale.bench import FEW, FEW_JOBS, STORED_NODES, STORED_PODS, Bench, clean, report, start
from perf.scale.operator import running_operator
from perf.scale.stored_objects import NODES_PREFIX, PODS_PREFIX, etcd_of, stored_nodes, stored_pods

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

STARTS = 3
"""Starts of which the median counts."""
PODS_PATH, NODES_PATH = "/api/v1/namespaces/bench-foreign/pods", "/api/v1/nodes"


async def test_jobs_start_as_fast_among_thousands_of_nodes_and_foreign_pods(bench: Bench) -> None:
    with running_operator(bench.cluster, bench.folder) as operator:
        small = await start_seconds(bench)
        report("small_cluster_peak_mib", operator.peak_mib(), "MiB")
    async with bench.client() as client, etcd_of(bench.cluster) as etcd:
        nodes = await client.count(NODES_PATH)
        await etcd.put(stored_nodes(STORED_NODES))
        await etcd.put(stored_pods(STORED_PODS, STORED_NODES))
        try:
            await client.until_count(NODES_PATH, nodes + STORED_NODES, 300)
            await client.until_count(PODS_PATH, STORED_PODS, 300)
            with running_operator(bench.cluster, bench.folder) as operator:
                report("big_cluster_sync_cpu_seconds", operator.cpu_seconds(), "s")
                big = await start_seconds(bench)
                peak = operator.peak_mib()
        finally:
            await etcd.delete(PODS_PREFIX)
            await etcd.delete(NODES_PREFIX)
    report("small_cluster_start_seconds", small, "s")
    report("big_cluster_start_seconds", big, "s")
    report("big_over_small_cluster_start", big / small, "ratio")
    report("big_cluster_peak_mib", peak, "MiB")
    assert peak < 400
    assert big / small < 1.5


async def start_seconds(bench: Bench) -> float:
    """Return the seconds until all pods of a few jobs exist."""
    seconds = []
    async with bench.client() as client:
        for _ in range(STARTS):
            seconds.append(await start(client, FEW, FEW_JOBS))
            await clean(client, FEW)
    return statistics.median(seconds)
