"""Containers that a mutating policy of the platform injects into the pods of a job disturb nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from e2e.jobs import job
from e2e.kube import Kube

POLICY = "e2e-sidecars"


def sidecar(name: str, seconds: int) -> str:
    """Return a CEL expression of a patch that puts a container before all others, which fails after some seconds."""
    command = f"import time; time.sleep({seconds}); raise SystemExit(3)"
    fields = f'name: "{name}", image: object.spec.containers[0].image, command: ["python3", "-c", "{command}"]'
    return f'JSONPatch{{op: "add", path: "/spec/containers/0", value: Object.spec.containers{{{fields}}}}}'


def manifests(namespace: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a policy for the pods of a job, and its binding.

    Each pod gets a container that outlives the pod's own, one that fails before, and a label and a default.
    """
    patches = (
        sidecar("proxy", 3600),
        sidecar("certificates", 1),
        'JSONPatch{op: "add", path: "/metadata/labels/mesh", value: "on"}',
        'JSONPatch{op: "add", path: "/spec/shareProcessNamespace", value: false}',
    )
    version = "admissionregistration.k8s.io/v1"
    constraints = {
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {"llmtrain.dev/job": name}},
    }
    policy = {
        "apiVersion": version,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "matchConstraints": constraints,
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{', '.join(patches)}]"}}],
        },
    }
    binding = {
        "apiVersion": version,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": POLICY},
        "spec": {"policyName": POLICY},
    }
    return policy, binding


@pytest.fixture
def injector(kube: Kube, new_job: str) -> Iterator[str]:
    """The name of a job whose pods the API server changes when they are created."""
    kube.apply(*manifests(kube.namespace, new_job))
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "labels": {"llmtrain.dev/job": new_job}},
        "spec": {"containers": [{"name": "probe", "image": "probe"}]},
    }
    kube.wait("the policy is in force", lambda: "mesh" in kube.apply(probe, dry_run=True).stdout)
    yield new_job
    for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
        kube.run("delete", kind, POLICY)


def test_injected_containers_disturb_nothing(kube: Kube, injector: str) -> None:
    kube.apply(job(injector, steps=200, podCleanup="Never"))
    kube.wait_for_step(injector, 10)
    containers = {tuple(each["name"] for each in pod["spec"]["containers"]) for pod in kube.pods(injector)}
    assert containers == {("certificates", "proxy", role) for role in ("coordinator", "prepare", "worker")}
    status = kube.wait_for_stage(injector, "Succeeded")
    assert status["recoveries"]["count"] == 0
    names = {f"{injector}-{pod}" for pod in ("prepare", "worker-0", "worker-1", "publish")}
    assert {log["pod"] for log in status["logs"] if log["lines"]} == names
    scheduled = [event["involvedObject"]["name"] for event in kube.objects("events") if event["reason"] == "Scheduled"]
    assert [scheduled.count(name) for name in sorted(names)] == [1, 1, 1, 1], "each was created once"
    kube.wait("no sidecar uses a node any more", lambda: not kube.pods(injector))
