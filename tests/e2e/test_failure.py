"""Pods fail, the operator fails, the chart is upgraded: the job continues."""

import subprocess

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import ROOT, Kube, condition
from e2e.nodes import kill

OPERATOR = "app.kubernetes.io/name=llmtrain-operator"


def operator_pod(kube: Kube) -> dict:
    """Return the operator's running pod."""
    system = Kube(environment=kube.environment, namespace="llmtrain-system")
    pods = [pod for pod in system.objects("pods", OPERATOR) if "deletionTimestamp" not in pod["metadata"]]
    assert len(pods) == 1
    return pods[0]


def test_a_killed_worker_is_replaced_and_training_continues(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_step(new_job, 15)
    victim = kube.get("pod", f"{new_job}-worker-1")
    kill(kube, victim)
    kube.wait("the failure is counted", lambda: kube.status(new_job).get("recoveries", {}).get("count") == 1)
    kube.wait(
        "the worker is replaced",
        lambda: (p := kube.get("pod", f"{new_job}-worker-1")) and p["metadata"]["uid"] != victim["metadata"]["uid"],
    )
    status = kube.wait_for_stage(new_job, "Training")
    kube.wait_for_step(new_job, status["progress"]["step"] + 20)
    assert status["firstFailure"]["pod"] == f"{new_job}-worker-1"
    assert status["firstFailure"]["exitCode"] == 137
    assert status["firstFailure"]["node"] == victim["spec"]["nodeName"]
    assert [event for event in kube.events(new_job) if event["reason"] == "WorkerFailed"]


def test_a_spent_budget_fails_the_job_and_names_the_first_failure(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS, recovery={"maxFailures": 0}))
    kube.wait_for_step(new_job, 1)
    kill(kube, kube.get("pod", f"{new_job}-worker-0"))
    status = kube.wait_for_stage(new_job, "Failed")
    assert condition(status, "Failed")["reason"] == "TooManyFailures"
    assert f"{new_job}-worker-0" in condition(status, "Failed")["message"]
    kube.wait("its pods are gone", lambda: not kube.pods(new_job))


@pytest.mark.serial
def test_a_killed_operator_loses_nothing(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=200))
    kube.wait_for_step(new_job, 1)
    uids = {pod["metadata"]["uid"] for pod in kube.pods(new_job)}
    kill(kube, operator_pod(kube))
    status = kube.wait_for_stage(new_job, "Training")
    assert {pod["metadata"]["uid"] for pod in kube.pods(new_job)} == uids
    status = kube.wait_for_stage(new_job, "Succeeded")
    assert status["recoveries"]["count"] == 0


@pytest.mark.serial
def test_an_upgrade_of_the_chart_disturbs_no_job(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    before = kube.wait_for_step(new_job, 1)
    uids = {pod["metadata"]["uid"] for pod in kube.pods(new_job)}
    old = operator_pod(kube)["metadata"]["uid"]
    upgrade(kube, "--set", f"podAnnotations.upgraded-for={new_job}")
    assert operator_pod(kube)["metadata"]["uid"] != old
    kube.wait_for_step(new_job, before + 20)
    assert {pod["metadata"]["uid"] for pod in kube.pods(new_job)} == uids


def upgrade(kube: Kube, *settings: str) -> None:
    """Upgrade the release in place; wait until only its new operator is left."""
    command = ["helm", "upgrade", "llmtrain", "charts/llmtrain", "--namespace", "llmtrain-system", "--reuse-values"]
    subprocess.run([*command, *settings], check=True, cwd=ROOT, env=kube.environment, capture_output=True)
    system = Kube(environment=kube.environment, namespace="llmtrain-system")
    system.run("rollout", "status", "deployment/llmtrain-operator", "--timeout=100s")
    kube.wait("one operator is left", lambda: len(system.objects("pods", OPERATOR)) == 1)


@pytest.mark.serial
def test_a_namespace_goes_while_the_operator_is_down(kube: Kube) -> None:
    namespace = "e2e-going"
    other = Kube(environment=kube.environment, namespace=namespace)
    other.run("create", "namespace", namespace)
    other.apply(job("orphan", steps=ENDLESS, replicas=1))
    other.wait("it has begun", lambda: other.status("orphan").get("startTime"))
    other.run("-n", "llmtrain-system", "scale", "deployment/llmtrain-operator", "--replicas=0")
    try:
        other.run("delete", "namespace", namespace, "--wait=false")
        kube.wait("the namespace is gone", lambda: kube.get("namespace", namespace) is None)
    finally:
        other.run("-n", "llmtrain-system", "scale", "deployment/llmtrain-operator", "--replicas=1")
