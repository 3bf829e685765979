"""What people's pods need, under Pod Security `restricted`: Secrets, mounts, a second claim, credentials, other devices."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from e2e.jobs import own
from e2e.kube import Kube, condition

RESOURCE = "example.com/fpga"
PROGRAM = """
import os, sys
from pathlib import Path

def is_writable(path):
    try:
        Path(path, "file").write_text("x")
    except OSError:
        return False
    return True

found = {
    "from a Secret": os.environ["TOKEN"],
    "from a ConfigMap": os.environ["APP_LEVEL"],
    "GPUs": os.environ["NVIDIA_VISIBLE_DEVICES"],
    "in the Secret": Path("/secrets/hub/token").read_text(),
    "can be written": [path for path in ("/second", "/scratch", "/dev/shm", Path.home()) if is_writable(path)] != [],
    "cannot be written": [path for path in ("/", "/second-again", "/secrets/hub", "/program") if is_writable(path)],
}
assert all(is_writable(path) for path in ("/second", "/scratch", "/dev/shm", Path.home())), found
expected = {
    "from a Secret": "s3cret",
    "from a ConfigMap": "debug",
    "GPUs": "void",
    "in the Secret": "s3cret",
    "can be written": True,
    "cannot be written": [],
}
assert found == expected, found
print("the pod has what it needs", flush=True)
sys.exit(int(os.environ.get("EXIT_CODE", "0")))
"""
PULL_SECRET = {"auths": {"registry.example": {"auth": base64.b64encode(b"user:password").decode()}}}
OBJECTS: tuple[dict[str, Any], ...] = (
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hub"}, "stringData": {"token": "s3cret"}},
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "registry"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(PULL_SECRET)},
    },
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "program"},
        "data": {"train.py": PROGRAM, "LEVEL": "debug"},
    },
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "trainer"}},
    {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "second"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    },
)


@pytest.fixture(scope="module")
def team(kube: Kube) -> Iterator[Kube]:
    """A namespace with the Pod Security level `restricted`, and the objects that jobs use."""
    team = replace(kube, namespace=f"{kube.namespace}-pods")
    kube.run("delete", "namespace", team.namespace, "--ignore-not-found", "--timeout=100s")
    kube.run("create", "namespace", team.namespace)
    kube.run("label", "namespace", team.namespace, "pod-security.kubernetes.io/enforce=restricted")
    team.apply(*OBJECTS)
    yield team
    kube.run("delete", "namespace", team.namespace, "--wait=false")


@pytest.fixture(scope="module")
def extended_resource(kube: Kube) -> None:
    """Every node has an extended resource, as if a device plugin had registered it."""
    for node in kube.objects("nodes"):
        patch = json.dumps({"status": {"capacity": {RESOURCE: "4"}, "allocatable": {RESOURCE: "4"}}})
        name = node["metadata"]["name"]
        kube.run("patch", "node", name, "--subresource=status", "--type=merge", "-p", patch)


def with_everything(name: str, **spec: Any) -> dict[str, Any]:
    """Return a job whose program fails unless its pod has everything that the job asks for."""
    workers = {
        "replicas": 1,
        "resources": {"cpu": "250m", "memory": "512Mi", "scratch": "64Mi", "extra": {RESOURCE: "2"}},
        "sharedMemory": "64Mi",
        "env": [
            {"name": "TOKEN", "secret": "hub", "key": "token"},
            {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
            {"name": "EXIT_CODE", "value": spec.pop("exit_code", "0")},
        ],
        "envFrom": [{"configMap": "program", "prefix": "APP_"}],
        "mounts": [
            {"path": "/program", "configMap": "program"},
            {"path": "/secrets/hub", "secret": "hub"},
            {"path": "/second", "claim": "second", "readOnly": False},
            {"path": "/second-again", "claim": "second"},
            {"path": "/scratch", "scratch": "16Mi"},
        ],
        "labels": {"team": "vision"},
        "annotations": {"sidecar.istio.io/inject": "false"},
    }
    return own(
        name,
        {"script": "/program/train.py", "mode": "Torchrun"},
        workers=workers,
        training={"steps": 1},
        checkpoint={"volume": "checkpoints"},
        pullSecrets=["registry"],
        serviceAccount={"name": "trainer"},
        **spec,
    )


@pytest.mark.usefixtures("extended_resource")
def test_a_job_gets_what_it_asks_for_under_pod_security_restricted(team: Kube) -> None:
    team.apply(with_everything("everything", podCleanup="Never"))
    status = team.wait_for_stage("everything", "Succeeded", 240)
    (log,) = [log for log in status["logs"] if log["pod"] == "everything-worker-0"]
    assert "the pod has what it needs" in log["lines"]
    (worker,) = team.pods("everything", "worker")
    assert worker["metadata"]["labels"]["team"] == "vision"
    assert worker["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert worker["spec"]["serviceAccountName"] == "trainer"
    assert worker["spec"]["containers"][0]["resources"]["limits"][RESOURCE] == "2"
    team.wait("a pod that runs is stopped in any case", lambda: not team.pods("everything", "coordinator"))
    assert team.pods("everything", "worker"), "a pod that has ended stays"
    team.delete_job("everything")


@pytest.mark.usefixtures("extended_resource")
def test_a_rule_fails_a_job_at_once_and_its_failed_pod_stays(team: Kube) -> None:
    rules = [{"exitCodes": [42], "action": "Fail"}]
    team.apply(with_everything("ruled", exit_code="42", recovery={"rules": rules}, podCleanup="Succeeded"))
    status = team.wait_for_stage("ruled", "Failed", 240)
    failed = condition(status, "Failed")
    assert (failed["reason"], status["recoveries"]["count"]) == ("FailureRule", 1)
    assert "exit code 42" in failed["message"]
    team.wait("its pod has ended", lambda: [p["status"]["phase"] for p in team.pods("ruled", "worker")] == ["Failed"])
    assert "the pod has what it needs" in team.run("logs", "ruled-worker-0").stdout
    team.delete_job("ruled")


def test_a_pod_that_fills_its_scratch_space_is_evicted_and_the_remedy_is_named(team: Kube) -> None:
    program = (
        "from pathlib import Path\nimport time\nPath('/tmp/file').write_bytes(bytes(100 * 2**20))\ntime.sleep(300)\n"
    )
    team.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fill"}, "data": {"fill.py": program}})
    job = with_everything("full", recovery={"rules": [{"reasons": ["Evicted"], "action": "Fail"}]})
    del job["spec"]["workers"]["resources"]["extra"]
    job["spec"]["entrypoint"]["script"] = "/fill/fill.py"
    job["spec"]["workers"]["mounts"] = [{"path": "/fill", "configMap": "fill"}]
    team.apply(job)
    failed = condition(team.wait_for_stage("full", "Failed", 240), "Failed")
    assert failed["reason"] == "FailureRule"
    assert "the kubelet evicted the worker pod" in failed["message"]
    assert "raise spec.workers.resources.scratch" in failed["message"]
    team.delete_job("full")


def test_a_missing_secret_is_named_and_the_job_starts_when_it_exists(team: Kube) -> None:
    job = with_everything("late")
    del job["spec"]["workers"]["resources"]["extra"]
    job["spec"]["workers"]["env"][0]["secret"] = "created-late"
    team.apply(job)

    def reported() -> bool:
        scheduled = condition(team.status("late"), "Scheduled")
        named = 'secret "created-late" not found' in scheduled.get("message", "")
        return named and scheduled["reason"] == "ContainerNotStarted"

    team.wait("the condition names the Secret", reported)
    created = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "created-late"}}
    team.apply({**created, "stringData": {"token": "s3cret"}})
    team.wait_for_stage("late", "Succeeded", 240)
    team.delete_job("late")
