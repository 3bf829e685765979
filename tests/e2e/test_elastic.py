"""Workers join, leave and fail during a run; the weights have the same bits as those of one undisturbed worker."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import ROOT, Kube, Manifest, condition
from e2e.nodes import CLUSTER, engine, kill
from support.measurements import RecordMeasurement

pytestmark = [pytest.mark.serial, pytest.mark.timeout(900)]
STEPS = 900


def elastic(name: str, replicas: int, **spec: Any) -> dict[str, Any]:
    """Return a job of one to three workers."""
    workers = {"replicas": replicas, "min": 1, "max": 3, "resources": {"cpu": "500m", "memory": "1Gi"}}
    return job(name, **{"steps": STEPS, "workers": workers, **spec})


@pytest.fixture(scope="module")
def undisturbed(kube: Kube) -> Iterator[str]:
    """Hash of the weights that one worker gets."""
    kube.apply(elastic("undisturbed", 1))
    status = kube.wait_for_stage("undisturbed", "Succeeded", 300)
    yield status["model"]["sha256"]
    kube.delete_job("undisturbed")


def wait_for_ranks(kube: Kube, name: str, workers: int) -> None:
    """Wait until the coordinator reports that a number of workers train."""
    kube.wait(f"{workers} workers of {name} train", lambda: kube.job_metrics(name).get("llmtrain_job_ranks") == workers)


def test_scaling_and_failures_change_no_bit(
    kube: Kube, new_job: str, undisturbed: str, record_measurement: RecordMeasurement
) -> None:
    kube.apply(elastic(new_job, 1))
    kube.wait_for_step(new_job, 20)
    kube.run("scale", f"ltj/{new_job}", "--replicas=3")
    wait_for_ranks(kube, new_job, 3)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    kube.wait("the failure is counted", lambda: kube.status(new_job)["recoveries"]["count"] == 1)
    wait_for_ranks(kube, new_job, 3)
    kube.run("delete", "pod", f"{new_job}-coordinator", "--grace-period=0", "--force")
    kube.run("delete", "pod", f"{new_job}-worker-0", "--wait=false")
    kube.run("scale", f"ltj/{new_job}", "--replicas=2")
    wait_for_ranks(kube, new_job, 2)
    step = kube.wait("a step of the two", lambda: kube.job_metrics(new_job).get("llmtrain_job_step"))
    assert step < STEPS, "the run was over before it was disturbed"
    status = kube.wait_for_stage(new_job, "Succeeded", 300)
    assert status["model"]["sha256"] == undisturbed
    assert status["recoveries"]["count"] == 1, "only the kill was a failure"
    goodput, created = status["goodput"], kube.get("ltj", new_job)["metadata"]["creationTimestamp"]
    life = datetime.fromisoformat(status["finishTime"]) - datetime.fromisoformat(created)
    accounted = sum(float(seconds) for seconds in goodput["seconds"].values())
    record_measurement("goodput_of_a_short_life_ratio", float(goodput["ratio"]), "ratio")
    record_measurement("goodput_error_seconds", abs(accounted - life.total_seconds()), "s")
    assert abs(accounted - life.total_seconds()) < 0.01, goodput


def test_a_killed_worker_costs_the_others_less_than_seconds(
    kube: Kube, new_job: str, record_measurement: RecordMeasurement
) -> None:
    kube.apply(elastic(new_job, 2, training={"steps": ENDLESS, "microbatches": 4, "microbatchSize": 2}))
    wait_for_ranks(kube, new_job, 2)
    kube.wait_for_step(new_job, 20)
    killed = datetime.now(UTC)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    kube.wait("the job is degraded", lambda: condition(kube.status(new_job), "Degraded").get("status") == "True")
    kube.wait("all train again", lambda: condition(kube.status(new_job), "Degraded").get("reason") == "AllWorkers")
    assert kube.status(new_job)["recoveries"]["byMethod"] == {"process": 0, "pod": 1, "checkpoint": 0}
    (message,) = kube.wait("an event reports it", lambda: messages(kube, new_job, "Recovered"))
    assert "training continued with the other pods" in message
    assert message.endswith("0 steps were replayed")
    seconds = pause(kube, f"{new_job}-worker-0", killed)
    record_measurement("pod_kill_to_next_step_seconds", seconds, "s")
    assert seconds < 30


def times_of(kube: Kube, pod: str, event: str, since: datetime) -> list[datetime]:
    """Return when a pod logged an event after an instant."""
    lines = [json.loads(line) for line in kube.run("logs", pod).stdout.splitlines() if line.startswith("{")]
    times = [datetime.fromisoformat(line["time"]) for line in lines if line["event"] == event]
    return [time for time in times if time > since]


def pause(kube: Kube, survivor: str, since: datetime) -> float:
    """Return the seconds until the first step that a survivor did with fewer ranks after an instant, by its own log."""
    found: list[datetime] = kube.wait(
        f"{survivor} continues", lambda: times_of(kube, survivor, "firstStep", since), 180
    )
    return (found[0] - since).total_seconds()


def test_too_few_workers_wait_with_their_state(kube: Kube, new_job: str) -> None:
    kube.apply(
        job(new_job, steps=ENDLESS, workers={"replicas": 2, "min": 2, "resources": {"cpu": "500m", "memory": "1Gi"}})
    )
    kube.wait_for_step(new_job, 15)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    kube.wait("it waits", lambda: condition(kube.status(new_job), "Degraded").get("reason") == "TooFewWorkers")
    kube.wait("all train", lambda: condition(kube.status(new_job), "Degraded")["status"] == "False")
    kube.wait_for_step(new_job, kube.status(new_job)["progress"]["step"] + 5)


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        pytest.param((), "EvictionByEvictionAPI", id="by eviction"),
        pytest.param(("--disable-eviction",), "PodDeleted", id="by deletion"),
    ],
)
def test_a_drained_node_loses_no_step(
    kube: Kube, new_job: str, undisturbed: str, way: tuple[str, ...], reason: str
) -> None:
    kube.apply(elastic(new_job, 2))
    wait_for_ranks(kube, new_job, 2)
    node = kube.get("pod", f"{new_job}-worker-1")["spec"]["nodeName"]
    try:
        selector = f"--pod-selector=llmtrain.dev/job={new_job}"
        kube.run("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", selector, "--timeout=60s", *way)
        status = kube.wait_for_stage(new_job, "Succeeded", 300)
    finally:
        kube.run("uncordon", node)
    assert status["model"]["sha256"] == undisturbed
    recoveries = status["recoveries"]
    assert (recoveries["count"], recoveries["times"]) == (0, [])
    assert (f"{new_job}-worker-1", reason) in {(record["pod"], record["reason"]) for record in recoveries["recent"]}


def test_a_dead_node_is_left_behind(
    kube: Kube, new_job: str, undisturbed: str, record_measurement: RecordMeasurement
) -> None:
    """Other pods of that node, such as the coordinator or the operator, are replaced on other nodes.

    If both were there, the survivors wait for the operator, which Kubernetes replaces after a minute: when it has found the
    node NotReady, after 50 s, and the toleration of 10 s has passed.
    """
    kube.apply(elastic(new_job, 2))
    wait_for_ranks(kube, new_job, 2)
    first, second = sorted(kube.pods(new_job, "worker"), key=lambda pod: pod["metadata"]["name"])
    node = second["spec"]["nodeName"]
    assert node != first["spec"]["nodeName"]
    limit_seconds = 180 if operator_node(kube) == node else 60
    died = datetime.now(UTC)
    try:
        subprocess.run([engine(kube), "stop", "--time", "0", node], check=True, capture_output=True)
        seconds = pause(kube, first["metadata"]["name"], died)
        record_measurement("node_death_to_next_step_seconds", seconds, "s")
        status = kube.wait_for_stage(new_job, "Succeeded", 360)
    finally:
        subprocess.run([sys.executable, "-m", "llmtrain_kind", "up", "--name", CLUSTER], cwd=ROOT, check=True)
    assert seconds < limit_seconds
    assert status["model"]["sha256"] == undisturbed


def done_steps(kube: Kube, name: str) -> int:
    """Return the steps in a job's status, -1 if it has none."""
    return int(kube.status(name).get("progress", {}).get("step", -1))


def messages(kube: Kube, name: str, reason: str) -> list[str]:
    """Return the messages of a job's events with a reason."""
    return [event["message"] for event in kube.events(name) if event["reason"] == reason]


def operator_node(kube: Kube) -> str:
    """Return the node that the operator runs on."""
    system = Kube(environment=kube.environment, namespace="llmtrain-system")
    pods = system.objects("pods", "app.kubernetes.io/name=llmtrain-operator")
    (operator,) = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return str(operator["spec"]["nodeName"])


def test_a_lost_coordinator_is_replaced_on_another_node_while_training_continues(
    kube: Kube, new_job: str, record_measurement: RecordMeasurement
) -> None:
    """The node dies that holds the coordinator, but neither a worker nor the operator."""
    nodes = {node["metadata"]["name"] for node in kube.objects("nodes", "!node-role.kubernetes.io/control-plane")}
    here = operator_node(kube)
    (there,) = nodes - {here}
    kube.run("cordon", there)
    try:
        kube.apply(job(new_job, steps=ENDLESS))
        wait_for_ranks(kube, new_job, 2)
    finally:
        kube.run("uncordon", there)
    coordinator = move_coordinator(kube, new_job, away_from=here)
    step = kube.wait_for_step(new_job, 20)
    kube.wait("the operator has an answer of it", lambda: done_steps(kube, new_job) >= step)
    died = datetime.now(UTC)
    try:
        subprocess.run([engine(kube), "stop", "--time", "0", there], check=True, capture_output=True)
        successor = kube.wait("it is replaced", lambda: running_coordinator(kube, new_job, other_than=coordinator), 60)
        started_at = datetime.fromisoformat(
            successor["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        )
        assert successor["spec"]["nodeName"] == here
        kube.wait_for_step(new_job, step + 100)
        # taken every 10 steps; of the steps themselves only one in five seconds is in the log
        snapshots = [
            time for number in range(2) for time in times_of(kube, f"{new_job}-worker-{number}", "snapshotTaken", died)
        ]
    finally:
        subprocess.run([sys.executable, "-m", "llmtrain_kind", "up", "--name", CLUSTER], cwd=ROOT, check=True)
    record_measurement("coordinator_loss_seconds", (started_at - died).total_seconds(), "s")
    assert [time for time in snapshots if time < started_at], "training continues without a coordinator"
    assert (started_at - died).total_seconds() < 30
    assert kube.status(new_job)["recoveries"]["count"] == 0, "the loss spends no failure budget"


def move_coordinator(kube: Kube, name: str, *, away_from: str) -> str:
    """Bring a job's coordinator to another node, if it is on this one; return its uid."""
    pod = kube.get("pod", f"{name}-coordinator")
    assert pod is not None
    if pod["spec"]["nodeName"] != away_from:
        return str(pod["metadata"]["uid"])
    kube.run("cordon", away_from)
    try:
        kube.run("delete", "pod", f"{name}-coordinator")
        moved = kube.wait("it moves", lambda: running_coordinator(kube, name, other_than=pod["metadata"]["uid"]))
    finally:
        kube.run("uncordon", away_from)
    wait_for_ranks(kube, name, 2)
    return str(moved["metadata"]["uid"])


def running_coordinator(kube: Kube, name: str, *, other_than: str) -> Manifest | None:
    """Return the job's coordinator once it runs, if it is not the pod with this uid."""
    pod = kube.get("pod", f"{name}-coordinator")
    runs = pod is not None and pod["metadata"]["uid"] != other_than and pod["status"]["phase"] == "Running"
    return pod if runs else None
