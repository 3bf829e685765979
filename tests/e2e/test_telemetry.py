"""A real Prometheus that scrapes a run with one kill and one rescale has the values of the trainer and its containers."""

import json
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from e2e.gpus import FakeGpus, visible_gpus
from e2e.jobs import ENDLESS, job, own
from e2e.kube import ROOT, Kube, installed_image
from e2e.nodes import kill
from e2e.scraping import Targets
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_cli.prometheus import JobName, Prometheus, Series
from llmtrain_cli.top.ranks import exprs
from llmtrain_dashboards.dashboard import Dashboard
from llmtrain_dashboards.grafana import DASHBOARDS
from support.dashboard_images import draw, query_panels
from support.measurements import RecordMeasurement

pytestmark = pytest.mark.usefixtures("gpus")
STEPS, MICROBATCHES, MICROBATCH_SIZE, CONTEXT = 600, 4, 2, 64
CHECKPOINT = {"volume": "checkpoints"}
VARIABLES = {"training_job": ".*", "llmcluster": "default", "node": ".*", "__rate_interval": "10s"}
INFINIBAND = "needs an InfiniBand device"
EXEMPT = {
    "MFU": "needs a chip whose peak is known; a CPU's isn't",
    "InfiniBand": INFINIBAND,
    "InfiniBand errors": INFINIBAND,
}
"""Panels that these tests can't fill, and why."""


def labels_of_job(kube: Kube, name: str) -> str:
    """Return the labels that select a job's series."""
    return f'{{namespace="{kube.namespace}", training_job="{name}"}}'


def test_queries_give_what_the_trainer_logged(kube: Kube, new_job: str, prometheus: Prometheus) -> None:
    spec = {"steps": STEPS, "microbatches": MICROBATCHES, "microbatchSize": MICROBATCH_SIZE}
    workers = {"replicas": 2, "min": 1, "max": 3, "resources": {"cpu": "500m", "memory": "1Gi"}}
    kube.apply(job(new_job, training=spec, workers=workers, evaluation={"everySteps": 200, "sample": {"tokens": 8}}))
    kube.wait_for_step(new_job, 30)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    kube.wait("the recovery is counted", lambda: kube.status(new_job)["recoveries"]["byMethod"]["pod"] == 1)
    kube.run("scale", f"ltj/{new_job}", "--replicas=1")
    status = kube.wait_for_stage(new_job, "Succeeded", 300)
    labels = labels_of_job(kube, new_job)

    def newest(metric: str) -> dict[tuple[str, ...], float]:
        """Return the last value of a metric that went with its coordinator, by its own labels."""
        found = prometheus.query(f"last_over_time({metric}{labels}[10m])")
        return {
            tuple(v for k, v in sorted(series.labels.items()) if k in ("method", "category")): series.value
            for series in found
        }

    log = next(entry["lines"] for entry in status["logs"] if entry["pod"] == f"{new_job}-worker-0")
    assert newest("llmtrain_job_recoveries_total") == {("process",): 0, ("pod",): 1, ("checkpoint",): 0}
    assert status["recoveries"]["byMethod"] == {"process": 0, "pod": 1, "checkpoint": 0}
    (done,) = [json.loads(line)["step"] for line in reversed(log) if '"event": "step"' in line][:1]
    assert done == STEPS, "the last step is logged"
    assert newest("llmtrain_job_tokens")[()] == done * MICROBATCHES * MICROBATCH_SIZE * CONTEXT
    assert newest("training_job:llmtrain_job_rank_compute_seconds:max")[()] > 0
    seconds = newest("llmtrain_job_seconds_total")
    total = sum(seconds.values())
    assert newest("llmtrain_job_goodput_ratio")[()] == pytest.approx(seconds["stepping",] / total, abs=0.001)
    kept = {kind: float(value) for kind, value in status["goodput"]["seconds"].items()}
    assert seconds["stepping",] == pytest.approx(kept["stepping"], abs=0.5), "the status has the same ledger"
    created = datetime.fromisoformat(kube.get("ltj", new_job)["metadata"]["creationTimestamp"])
    life = (datetime.fromisoformat(status["finishTime"]) - created).total_seconds()
    assert sum(kept.values()) == pytest.approx(life, abs=0.01)
    gone = "the series of a job end with its coordinator"
    kube.wait(gone, lambda: not prometheus.query(f"llmtrain_job_step{labels}"), 30)


def test_pools_hold_what_the_nodes_have(kube: Kube, prometheus: Prometheus) -> None:
    nodes = [node for node in kube.objects("nodes") if "node-role.kubernetes.io/control-plane" not in labels_of(node)]
    gpus = sum(int(node["status"]["capacity"]["nvidia.com/gpu"]) for node in nodes)

    def sums(metric: str) -> dict[str, float]:
        found = prometheus.query(f'sum by (state) ({metric}{{llmcluster="default"}})')
        return {series.labels["state"]: series.value for series in found}

    kube.wait("the operator's leader is scraped", lambda: prometheus.query("llmtrain_operator_leader == 1"), 30)
    ready = {"ready": len(nodes), "unready": 0, "missing": 0}
    kube.wait("all nodes are ready", lambda: sums("llmtrain_pool_nodes") == ready, 30)
    idle = {"allocated": 0, "idle": gpus, "unhealthy": 0}
    kube.wait("all GPUs are idle", lambda: sums("llmtrain_pool_gpus") == idle, 30)
    allocated_ratio = "llmcluster:llmtrain_pool_gpus:allocated_ratio == 0"
    kube.wait("the rule records that none is held", lambda: prometheus.query(allocated_ratio), 30)


def test_gpus_that_pods_hold_are_counted(kube: Kube, prometheus: Prometheus) -> None:
    held = f'llmtrain_pool_gpus_allocated{{namespace="{kube.namespace}"}}'
    asked = {"limits": {"nvidia.com/gpu": "6"}}
    container = {"name": "holder", "image": "localhost/none:none", "resources": asked}  # placed, though it never starts
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "holder"}, "spec": {"containers": [container]}})
    try:
        kube.wait("six GPUs are allocated", lambda: prometheus.query(f"{held} == 6"), 60)
        allocated = 'sum(llmtrain_pool_gpus{state="allocated"})'
        kube.wait("so the pool says", lambda: value(prometheus, allocated) == 6, 30)
        kube.wait("a dashboard can draw it", lambda: prometheus.query(f"count_over_time({held}[1m]) >= 5"), 30)
    finally:
        kube.run("delete", "pod", "holder", "--grace-period=0", "--force")
    kube.wait("none is", lambda: not prometheus.query(held), 60)


def test_memory_and_network_of_a_job_are_what_its_containers_say(
    kube: Kube, new_job: str, prometheus: Prometheus, record_measurement: RecordMeasurement
) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_step(new_job, 50)
    labels = labels_of_job(kube, new_job)
    worst: dict[str, float] = {}
    for pod in (f"{new_job}-worker-0", f"{new_job}-worker-1"):

        def newest_of(metric: str, pod: str = pod) -> float:
            return sum(series.value for series in prometheus.query(metric + labels) if series.labels["pod"] == pod)

        def scraped_after(instant: float, pod: str = pod) -> bool:
            times = prometheus.query(f"timestamp(llmtrain_pod_network_bytes_total{labels})")
            return any(series.labels["pod"] == pod and series.value > instant for series in times)

        def errors(pod: str = pod) -> tuple[float, float] | None:
            """Return how far off memory and network are; None while memory still grows, as that of a spare that imports."""
            before, memory, read_at = moved_bytes(kube, pod), memory_bytes(kube, pod), time.time()
            kube.wait("the agent is scraped after that", partial(scraped_after, read_at), 30)
            network, used = newest_of("llmtrain_pod_network_bytes_total"), newest_of("llmtrain_pod_memory_used_bytes")
            after, is_steady = moved_bytes(kube, pod), abs(memory_bytes(kube, pod) - memory) < 0.01 * memory
            if not (network and used and is_steady):
                return None
            return abs(used - memory) / memory, max((before - network) / before, (network - after) / after)

        kube.wait("the agent exports it", lambda: newest_of("llmtrain_pod_memory_used_bytes"), 30)
        memory_error, network_error = kube.wait("its memory is steady", errors, 120)
        worst["memory"] = max(worst.get("memory", 0.0), memory_error)
        worst["network"] = max(worst.get("network", 0.0), network_error)
    record_measurement("pod_memory_error_ratio", worst["memory"], "ratio")
    record_measurement("pod_network_error_ratio", worst["network"], "ratio")
    assert worst["memory"] < 0.05
    assert worst["network"] < 0.05


def moved_bytes(kube: Kube, pod: str) -> float:
    """Return the bytes that a container received and sent, by its own counters."""
    lines = kube.run("exec", pod, "--", "cat", "/proc/net/dev").stdout.splitlines()[2:]
    fields = [line.split(":")[1].split() for line in lines if line.split(":")[0].strip() != "lo"]
    return float(sum(int(field[0]) + int(field[8]) for field in fields))


def memory_bytes(kube: Kube, pod: str) -> float:
    """Return the memory of a container that cannot be reclaimed, from its own control group."""
    script = (
        "cd /sys/fs/cgroup; if [ -e memory.current ]; then cat memory.current; grep -w inactive_file memory.stat; "
        "else cat memory/memory.usage_in_bytes; grep total_inactive_file memory/memory.stat; fi"
    )
    used, inactive = kube.run("exec", pod, "--", "sh", "-c", script).stdout.splitlines()
    return float(used) - float(inactive.split()[1])


def test_every_node_has_an_agent(kube: Kube, prometheus: Prometheus) -> None:
    nodes = {node["metadata"]["name"] for node in kube.objects("nodes")}
    kube.wait("an agent on each", lambda: exported_by_agents(prometheus) == nodes, 60)
    kube.wait("the memory of each", lambda: by_node(prometheus, "llmtrain_node_memory_size_bytes").keys() == nodes, 30)
    expected = {name: "none" if name.endswith("control-plane") else "nvml" for name in nodes}

    def sources() -> dict[str, str]:
        found = by_node(prometheus, "llmtrain_agent_gpu_library_info")
        return {node: series.labels["source"] for node, series in found.items()}

    kube.wait("the library of each", lambda: sources() == expected, 30)


def by_node(prometheus: Prometheus, metric: str) -> dict[str, Series]:
    return {series.labels["node"]: series for series in prometheus.query(metric)}


def exported_by_agents(prometheus: Prometheus) -> set[str]:
    return set(by_node(prometheus, "llmtrain_agent_gpu_library_info"))


def test_gpus_are_attributed_to_the_job_that_the_kubelet_gave_them_to(
    kube: Kube, new_job: str, prometheus: Prometheus
) -> None:
    workers = {"replicas": 2, "gpus": 2, "resources": {"cpu": "500m", "memory": "1Gi"}}
    program = {"module": "llmtrain.examples.torchrun", "mode": "Torchrun"}  # it takes CPUs where torch sees no GPU
    image = installed_image(kube, "trainer-cpu")
    kube.apply(own(new_job, program, workers=workers, training={"steps": ENDLESS}, checkpoint=CHECKPOINT, image=image))
    labels = labels_of_job(kube, new_job)
    kube.wait("four GPUs are the job's", lambda: value(prometheus, f"count(llmtrain_gpu_assigned{labels})") == 4, 90)
    for pod in (f"{new_job}-worker-0", f"{new_job}-worker-1"):
        mine = f'llmtrain_gpu_info * on (node, gpu) group_left (pod) llmtrain_gpu_assigned{{pod="{pod}"}}'
        given = visible_gpus(kube, pod)

        def exports(mine: str = mine, given: set[str] = given) -> bool:
            return {series.labels["uuid"] for series in prometheus.query(mine)} == given

        kube.wait("the agent exports the GPUs that the kubelet allocated to the container", exports, 30)
    utilization = f"training_job:llmtrain_gpu_utilization_ratio:avg{labels}"
    kube.wait(
        "the agent exports the driver's utilization", lambda: value(prometheus, utilization) == pytest.approx(0.75), 30
    )
    of_top = exprs(JobName(namespace=kube.namespace, name=new_job))["gpu"]
    busy_gpus = [pytest.approx(0.75)] * 4
    kube.wait("`llmtrain top` finds them", lambda: [each.value for each in prometheus.query(of_top)] == busy_gpus, 30)
    points = f"count_over_time({utilization}[1m]) >= 6"
    kube.wait("the dashboards can draw it", lambda: prometheus.query(points), 30)
    kube.delete_job(new_job)
    kube.wait("none is the job's", lambda: not prometheus.query(f"llmtrain_gpu_assigned{labels}"), 60)


def test_a_lost_gpu_and_its_last_words_raise_alarms(kube: Kube, gpus: FakeGpus, prometheus: Prometheus) -> None:
    node = next(name for name in sorted(exported_by_agents(prometheus)) if not name.endswith("control-plane"))
    gpus.write_script("2 xids 79\n5 all !15\n", node)
    try:
        on = f'node="{node}"'
        xid = f'ALERTS{{alertname="LlmtrainGpuXid", alertstate="firing", {on}, gpu="2", xid="79"}}'
        kube.wait("the alert about the XID", lambda: prometheus.query(xid), 60)
        lost = f'ALERTS{{alertname="LlmtrainGpuLost", {on}, gpu="5"}}'
        kube.wait("the alert about the lost GPU", lambda: prometheus.query(lost), 60)
        kube.wait("the others answer", lambda: value(prometheus, f"sum(llmtrain_gpu_lost{{{on}}})") == 1, 30)
    finally:
        gpus.write_script("", node)
    kube.wait("it is back", lambda: value(prometheus, f"sum(llmtrain_gpu_lost{{{on}}})") == 0, 60)


def value(prometheus: Prometheus, expression: str) -> float | None:
    """Return an expression's one value; None if it has none."""
    found = prometheus.query(expression)
    return found[0].value if found else None


def test_a_deleted_job_has_no_series(kube: Kube, new_job: str, prometheus: Prometheus) -> None:
    queued = "llmtrain_job_queued_seconds" + labels_of_job(kube, new_job)
    kube.apply(job(new_job, suspend=True))
    kube.wait("the job is exported", lambda: prometheus.query(queued), 30)
    kube.delete_job(new_job)
    kube.wait("it is not any more", lambda: not prometheus.query(queued), 30)


def labels_of(node: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = node["metadata"]["labels"]
    return labels


def test_no_name_is_outside_the_catalogue(prometheus: Prometheus) -> None:
    found = prometheus.query('count by (__name__) (last_over_time({__name__=~"(.*:)?llmtrain_.*"}[30m]))')
    names = {series.labels["__name__"] for series in found}
    known = {metric.name for metric in CATALOGUE} | {rule.record for rule in RECORDINGS}
    print(f"{len(names)} names seen, {len(names - known)} outside the catalogue")
    assert len(names) > 30
    assert names <= known


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_every_panel_has_data(kube: Kube, board: Dashboard, prometheus: Prometheus, began: float) -> None:
    variables = {**VARIABLES, "namespace": kube.namespace}
    answers = query_panels(board, prometheus, variables, start=began, end=time.time())
    picture = ROOT / "build" / "dashboards" / f"{board.uid}.png"
    draw(board, answers, picture)
    empty = {title for title, found in answers.items() if not found}
    print(f"{board.uid}: {len(answers)} panels, {len(empty - EXEMPT.keys())} without data or exemption; see {picture}")
    assert empty - EXEMPT.keys() == set()


def test_targets_are_written_privately(kube: Kube, tmp_path: Path) -> None:
    targets = Targets(kube, tmp_path)
    targets.end()
    assert (tmp_path / "client-key").stat().st_mode & 0o077 == 0
