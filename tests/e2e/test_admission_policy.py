"""What the operator's ServiceAccount cannot do although RBAC permits it: the chart's ValidatingAdmissionPolicies.

All other tests show that the policies admit what the operator does.
"""

import json
import subprocess
from typing import Any

import pytest

from e2e.kube import Kube, Manifest

OPERATOR = "--as=system:serviceaccount:llmtrain-system:llmtrain-operator"
OWNER: Manifest = {
    "apiVersion": "llmtrain.dev/v1alpha1",
    "kind": "LLMTrainingJob",
    "name": "policy",
    "uid": "00000000-0000-0000-0000-000000000000",
    "controller": True,
}
CONTAINER: Manifest = {"name": "worker", "image": "llmtrain/trainer"}
POD_SPEC: Manifest = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True},
    "containers": [CONTAINER],
}
SYS: Manifest = {"name": "sys", "hostPath": {"path": "/sys"}}


def child(
    kind: str, *, owners: tuple[Manifest, ...] = (OWNER,), label: str = "llmtrain.dev/job", **fields: Any
) -> Manifest:
    """Return an object of a job."""
    versions = {"NetworkPolicy": "networking.k8s.io/v1"}
    metadata = {"name": "policy-child", "labels": {label: "policy"}, "ownerReferences": list(owners)}
    return {"apiVersion": versions.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields}


def pod(**spec: Any) -> Manifest:
    """Return a pod of a job."""
    return child("Pod", spec={**POD_SPEC, **spec})


def container(**fields: Any) -> Manifest:
    """Return a pod of a job whose container has further fields."""
    return pod(containers=[{**CONTAINER, **fields}])


def token_volume(**token: Any) -> Manifest:
    """Return a pod of a job with a token of its ServiceAccount as a volume."""
    sources = [{"serviceAccountToken": {"path": "token", **token}}]
    return pod(serviceAccountName="default", volumes=[{"name": "token", "projected": {"sources": sources}}])


def create(kube: Kube, manifest: Manifest) -> subprocess.CompletedProcess[str]:
    """Let the operator create an object, without effect; return the finished call."""
    return kube.run("create", OPERATOR, "--dry-run=server", "-f", "-", text=json.dumps(manifest), check=False)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(pod(), id="a pod"),
        pytest.param(
            container(securityContext={"capabilities": {"drop": ["ALL"], "add": ["IPC_LOCK"]}}), id="locked memory"
        ),
        pytest.param(pod(containers=[CONTAINER, {"name": "istio-proxy", "image": "proxy"}]), id="a sidecar"),
        pytest.param(token_volume(audience="sts.amazonaws.com"), id="a token for a cloud"),
        pytest.param(child("ConfigMap", data={}), id="a ConfigMap"),
        pytest.param(child("Secret", stringData={"token": "t"}), id="a Secret"),
        pytest.param(child("NetworkPolicy", spec={"podSelector": {}}), id="a NetworkPolicy"),
        pytest.param(
            child(
                "PersistentVolumeClaim",
                label="llmtrain.dev/cluster",
                owners=(),
                spec={"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
            ),
            id="a claim of a storage pool",
        ),
    ],
)
def test_objects_of_jobs_are_admitted(kube: Kube, manifest: Manifest) -> None:
    done = create(kube, manifest)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        pytest.param(child("Pod", owners=(), spec=POD_SPEC), "objects of an LLMTrainingJob", id="a pod of no job"),
        pytest.param(
            child("ConfigMap", owners=({**OWNER, "apiVersion": "apps/v1", "kind": "ReplicaSet"},)),
            "objects of an LLMTrainingJob",
            id="an object of another controller",
        ),
        pytest.param(
            child("Service", owners=({**OWNER, "controller": False},), spec={"ports": [{"port": 1}]}),
            "objects of an LLMTrainingJob",
            id="an object that a job does not control",
        ),
        pytest.param(child("ConfigMap", label="app"), "objects of an LLMTrainingJob", id="an object without the label"),
        pytest.param(pod(hostNetwork=True), "namespaces of the host", id="the network of the host"),
        pytest.param(pod(hostPID=True), "namespaces of the host", id="the processes of the host"),
        pytest.param(pod(hostIPC=True), "namespaces of the host", id="the shared memory of the host"),
        pytest.param(pod(volumes=[SYS]), "paths of the host", id="a path of the host"),
        pytest.param(container(securityContext={"privileged": True}), "privileged", id="a privileged container"),
        pytest.param(
            pod(initContainers=[{**CONTAINER, "name": "init", "securityContext": {"privileged": True}}]),
            "privileged",
            id="a privileged init container",
        ),
        pytest.param(
            container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), "capabilities", id="a capability"
        ),
        pytest.param(container(ports=[{"containerPort": 1, "hostPort": 1}]), "ports of the host", id="a host port"),
        pytest.param(pod(securityContext={}), "cannot run as root", id="a pod that may run as root"),
        pytest.param(
            pod(securityContext={"runAsNonRoot": True, "runAsUser": 0}),
            "cannot run as root",
            id="a pod of the root user",
        ),
        pytest.param(
            container(securityContext={"runAsNonRoot": False}),
            "cannot run as root",
            id="a container that may run as root",
        ),
        pytest.param(
            container(securityContext={"runAsUser": 0}), "cannot run as root", id="a container of the root user"
        ),
        pytest.param(
            container(securityContext={"allowPrivilegeEscalation": True}), "escalate", id="a container that escalates"
        ),
        pytest.param(
            pod(securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "Unconfined"}}),
            "seccomp",
            id="a pod without a seccomp profile",
        ),
        pytest.param(
            container(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
            "AppArmor",
            id="a container without an AppArmor profile",
        ),
        pytest.param(pod(automountServiceAccountToken=True), "ServiceAccount", id="a mounted token"),
        pytest.param(token_volume(), "ServiceAccount", id="a token as a volume"),
        pytest.param(
            token_volume(audience="https://kubernetes.default.svc"), "ServiceAccount", id="a token for the API server"
        ),
        pytest.param(pod(nodeName="llmtrain-worker"), "bypass the scheduler", id="a pod bound to a node"),
        pytest.param(
            pod(priorityClassName="system-node-critical"), "PriorityClass of Kubernetes", id="a system priority"
        ),
        pytest.param(
            child("Secret", type="kubernetes.io/basic-auth", stringData={"username": "u", "password": "p"}),
            "type Opaque",
            id="a Secret of another type",
        ),
        pytest.param(
            child(
                "PersistentVolumeClaim",
                spec={"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
            ),
            "llmtrain.dev/cluster",
            id="a claim of no storage pool",
        ),
    ],
)
def test_others_are_denied(kube: Kube, manifest: Manifest, words: str) -> None:
    done = create(kube, manifest)
    assert done.returncode != 0, "it was created"
    assert words in done.stderr


def test_objects_of_others_are_neither_changed_nor_deleted(kube: Kube) -> None:
    kube.run("create", "configmap", "policy-foreign", "--from-literal=a=b")
    try:
        data = ("patch", "configmap", "policy-foreign", "--type=merge", "-p", '{"data":{"a":"c"}}')
        taken = child("ConfigMap")
        taken["metadata"]["name"] = "policy-foreign"
        for words in (
            data,
            ("delete", "configmap", "policy-foreign"),
            ("patch", "configmap", "policy-foreign", "--type=merge", "-p", json.dumps({"metadata": taken["metadata"]})),
        ):
            done = kube.run(*words, OPERATOR, check=False)
            assert done.returncode != 0, words
            assert "LLMTrainingJob" in done.stderr
    finally:
        kube.run("delete", "configmap", "policy-foreign")
