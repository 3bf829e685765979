"""The operator at scale: a real API server, nodes that kwok plays, and a server that answers for every coordinator.

Times depend on the machine, which the control plane shares: what is compared is measured in the same run. The sizes are
environment variables, so that a small run takes a minute:

    LLMTRAIN_BENCH_JOBS=20 LLMTRAIN_BENCH_WORKERS=4 LLMTRAIN_BENCH_NODES=10 make bench-operator
"""

import asyncio
import itertools
import statistics
import time

import pytest

from llmtrain_api.names import worker_name
from perf.scale.bench import (
    BARE,
    DEATHS,
    JOBS,
    NAMESPACE,
    REFUSED,
    SETTLE_SECONDS,
    START_SECONDS,
    UNSTARTED,
    WINDOW_SECONDS,
    WORKERS,
    Bench,
    clean,
    high,
    report,
    start,
)
from perf.scale.bulk_client import BulkClient
from perf.scale.coordinators import time_of
from perf.scale.objects import bare_pod, end_pod, job, jobs_path, names, pods_path
from perf.scale.operator import OperatorProcess

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

POD_SPREAD_SECONDS = 0.25
"""Time between two ends of pods."""
SCRAPE_SECONDS = 15.0


async def test_all_jobs_start_at_once(bench: Bench, operator: OperatorProcess) -> None:
    async with bench.client() as client:
        began = time.monotonic()
        pods = (bare_pod(f"{name}-{worker}") for name in names(JOBS) for worker in range(WORKERS))
        await client.create(pods_path(BARE), pods)
        bare_seconds = time.monotonic() - began
        report("bare_client_seconds", bare_seconds, "s")
        await clean(client, BARE)
        calls, spent = operator.counts().calls, operator.cpu_seconds()
        seconds = await start(client, NAMESPACE, JOBS)
        report("jobs_start_seconds", seconds, "s")
        report("pods_created_over_bare_client", seconds / bare_seconds, "ratio")
        report("operator_cpu_seconds", operator.cpu_seconds() - spent, "s")
        report("operator_calls", operator.counts().calls - calls, "calls")
        report("operator_peak_mib", operator.peak_mib(), "MiB")
    assert seconds / bare_seconds <= 2.5
    assert operator.peak_mib() < 300


async def test_all_jobs_train(bench: Bench, operator: OperatorProcess) -> None:
    async with bench.client() as client:
        began = time.monotonic()
        while await training(client) < JOBS:
            assert time.monotonic() < began + START_SECONDS, f"{await training(client)} of {JOBS} jobs train"
            await asyncio.sleep(2)
        report("all_train_seconds", time.monotonic() - began, "s")
        await asyncio.sleep(SETTLE_SECONDS)
        ages: list[float] = []
        before = operator.counts()
        began, spent = time.monotonic(), operator.cpu_seconds()
        while time.monotonic() < began + WINDOW_SECONDS:
            await asyncio.sleep(min(SCRAPE_SECONDS, WINDOW_SECONDS))
            ages += await status_ages(client, bench.started_at)
            await asyncio.to_thread(operator.metrics)
        seconds = time.monotonic() - began
        ratio = (operator.cpu_seconds() - spent) / seconds
        after = operator.counts()
        rate = (after.calls - before.calls) / seconds
    report("training_calls_per_second", rate, "1/s")
    report("training_reconciles_per_second", (after.reconciles - before.reconciles) / seconds, "1/s")
    report("operator_cpu_ratio", ratio, "ratio")
    report("status_age_seconds", high(ages), "s")
    assert rate < 40
    assert ratio < 0.25
    assert high(ages) < 40


async def training(client: BulkClient) -> int:
    """Return how many jobs train and say so."""
    jobs = await client.items(jobs_path(NAMESPACE))
    return sum((each.get("status") or {}).get("stage") == "Training" and "progress" in each["status"] for each in jobs)


async def status_ages(client: BulkClient, started_at: float) -> list[float]:
    """Return how old the figures in the jobs' status are, in seconds."""
    jobs, now = await client.items(jobs_path(NAMESPACE)), time.time()
    return [now - time_of(each["status"]["progress"]["step"], started_at) for each in jobs]


async def test_ended_pods_are_replaced(bench: Bench, operator: OperatorProcess) -> None:
    """Half of the pods fail, the others are deleted."""
    gone: dict[str, tuple[str, float]] = {}
    """Uid and end of each pod that ended, by name."""
    seconds: list[float] = []
    watching = asyncio.Event()

    async def watch() -> None:
        """Note when a pod exists again under the name of one that ended."""
        async for event in client.watch_metadata(pods_path(NAMESPACE)):
            watching.set()
            metadata = event["object"].get("metadata") or {}
            uid, ended_at = gone.get(metadata.get("name", ""), ("", 0.0))
            if event["type"] == "ADDED" and uid and uid != metadata["uid"]:
                seconds.append(time.monotonic() - ended_at)
                del gone[metadata["name"]]

    async with bench.client() as client:
        watcher = asyncio.create_task(watch())
        await watching.wait()
        uids = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in await client.items(pods_path(NAMESPACE))}
        for number, name in enumerate(itertools.islice(names(JOBS), DEATHS)):
            pod = worker_name(name, number % WORKERS)
            gone[pod] = (uids[pod], time.monotonic())
            if number % 2:
                path = f"{pods_path(NAMESPACE)}/{pod}"
                await client.call("DELETE", path, {"gracePeriodSeconds": 0})
            else:
                await end_pod(client, NAMESPACE, pod, exit_code=1)
            await asyncio.sleep(POD_SPREAD_SECONDS)
        deadline = time.monotonic() + 120
        while gone and time.monotonic() < deadline and not watcher.done():
            await asyncio.sleep(0.1)
        assert not watcher.done(), "the watch has ended"
        watcher.cancel()
    assert not gone, f"not replaced after two minutes: {sorted(gone)}"
    report("pod_death_median_seconds", statistics.median(seconds), "s")
    report("pod_death_seconds", high(seconds), "s")
    assert high(seconds) < 1


async def test_nothing_trains(bench: Bench, operator: OperatorProcess) -> None:
    """All jobs have finished, others wait for an LLMCluster, others are refused by a quota."""
    async with bench.client() as client:
        quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
        await client.create(f"/api/v1/namespaces/{REFUSED}/resourcequotas", [quota])
        await client.create(jobs_path(REFUSED), (job(name, WORKERS) for name in names(UNSTARTED)))
        waiting = (job(f"waiting-{name}", WORKERS, cluster="missing") for name in names(UNSTARTED))
        await client.create(jobs_path(NAMESPACE), waiting)
        workers = [worker_name(name, worker) for name in names(JOBS) for worker in range(WORKERS)]
        await client.each(lambda pod: end_pod(client, NAMESPACE, pod, exit_code=0), workers)
        began = time.monotonic()
        while await finished(client) < JOBS:
            assert time.monotonic() < began + START_SECONDS, f"{await finished(client)} of {JOBS} jobs have finished"
            await asyncio.sleep(2)
        report("all_finished_seconds", time.monotonic() - began, "s")
        await asyncio.sleep(SETTLE_SECONDS)
        before = operator.counts()
        began, spent = time.monotonic(), operator.cpu_seconds()
        await asyncio.sleep(WINDOW_SECONDS)
        seconds = time.monotonic() - began
        ratio = (operator.cpu_seconds() - spent) / seconds
        rate = (operator.counts().calls - before.calls) / seconds
    report("settled_calls_per_second", rate, "1/s")
    report("settled_cpu_ratio", ratio, "ratio")
    assert rate < 1


async def finished(client: BulkClient) -> int:
    """Return how many jobs have succeeded."""
    jobs = await client.items(jobs_path(NAMESPACE))
    return sum((each.get("status") or {}).get("stage") == "Succeeded" for each in jobs)
