"""The benchmark's cluster: a real control plane, and kwok in place of kubelets.

python -m perf.scale.cluster down    deletes it, unless LLMTRAIN_BENCH_KEEP is set
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from llmtrain_kind.cluster import Cluster, delete_cluster, ensure_cluster
from llmtrain_kind.commands import run
from llmtrain_kind.errors import CommandFailed
from llmtrain_kind.go_tools import make_kwok
from llmtrain_kind.install import CHART, RELEASE, SYSTEM_NAMESPACE
from llmtrain_kind.lock import exclusive_lock
from perf.scale.bulk_client import MERGE, BulkClient
from support.polling import eventually

Manifest = dict[str, Any]

NAME = "llmtrain-bench"
WORKERS = 1
"""kind's own workers. They are cordoned: nothing of the benchmark runs on them."""
FAKE = {"type": "kwok"}
"""Label of all nodes that have no kubelet."""
FAKE_NODES = "labelSelector=type=kwok"
FLAGS = {
    "kube-scheduler": ("--kube-api-qps=1000", "--kube-api-burst=2000"),
    "kube-controller-manager": (
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        # kwok gives pods their addresses, and nodes that are mere objects stay ready without a heartbeat.
        "--controllers=*,bootstrapsigner,tokencleaner,-node-ipam-controller,-node-lifecycle-controller",
    ),
}
"""Flags of the control plane, which would otherwise limit itself before the operator does."""
NODES = "/api/v1/nodes"
PATCH = "application/strategic-merge-patch+json"


def up() -> Cluster:
    """Create the cluster, in place of one that was kept: kwok would not play its nodes again, whose leases it lost."""
    with exclusive_lock():
        delete_cluster(NAME)
        cluster = ensure_cluster(NAME, WORKERS)
        make_kwok()
    set_flags(cluster)
    install(cluster)
    return cluster


def down() -> None:
    """Delete the cluster."""
    with exclusive_lock():
        delete_cluster(NAME)


def set_flags(cluster: Cluster) -> None:
    """Set the flags of the scheduler and the controller manager, and wait until they run with them."""
    engine, node = cluster.provider.engine, cluster.node_names[0]
    for component, flags in FLAGS.items():
        path = f"/etc/kubernetes/manifests/{component}.yaml"
        manifest = yaml.safe_load(run([engine, "exec", node, "cat", path]))
        container = manifest["spec"]["containers"][0]
        names = tuple(flag.split("=")[0] + "=" for flag in flags)
        command = [*(word for word in container["command"] if not word.startswith(names)), *flags]
        if command == container["command"]:
            continue
        container["command"] = command
        run([engine, "exec", "-i", node, "tee", path], input_text=json.dumps(manifest))
        eventually(lambda: runs_with(cluster, component, flags), f"{component} runs with its flags", interval=0.5)  # noqa: B023


def runs_with(cluster: Cluster, component: str, flags: tuple[str, ...]) -> bool:
    """Return whether a component of the control plane is ready, with these flags."""
    try:
        text = cluster.kubectl.run("-n", "kube-system", "get", "pods", "-l", f"component={component}", "-o", "json")
    except CommandFailed:
        return False
    pods = json.loads(text)["items"]
    return any(
        set(flags) <= set(pod["spec"]["containers"][0]["command"])
        and any(status["ready"] for status in pod["status"].get("containerStatuses") or ())
        for pod in pods
    )


def install(cluster: Cluster) -> None:
    """Apply the chart without its Deployment: the operator runs on this machine, with the same rights and settings."""
    cluster.kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}}))
    documents = [document for document in chart(cluster) if document["kind"] != "Deployment"]
    for is_first in (True, False):  # definitions first, what they define after
        part = [document for document in documents if (document["kind"] == "CustomResourceDefinition") == is_first]
        cluster.kubectl.apply("\n---\n".join(json.dumps(document) for document in part))
        cluster.kubectl.run("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


def chart(cluster: Cluster) -> list[Manifest]:
    """Return the objects of the chart, without the node agent."""
    command = [cluster.tools / "helm", "template", RELEASE, CHART, "--namespace", SYSTEM_NAMESPACE]
    command += ["--set", "agent.enabled=false"]
    return [document for document in yaml.safe_load_all(run(command)) if document]


@contextmanager
def kwok(cluster: Cluster, log: Path) -> Iterator[None]:
    """Run kwok, which lets pods of its nodes run."""
    with log.open("w") as output:
        command = [make_kwok(), f"--kubeconfig={cluster.paths.kubeconfig}"]
        command += [f"--config={Path(__file__).with_name('kwok.yaml')}"]
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def node(number: int, *, gpus: int, is_played: bool = True) -> Manifest:
    """Return a node: one that kwok plays, or one that is a mere object, on which nothing can be scheduled."""
    name = f"{'fake' if is_played else 'stored'}-{number}"
    resources = {
        "cpu": "64",
        "memory": "512Gi",
        "ephemeral-storage": "10Ti",
        "nvidia.com/gpu": str(gpus),
        "pods": "110",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**FAKE, "kubernetes.io/hostname": name},
            "annotations": {"kwok.x-k8s.io/node": "fake"} if is_played else {},
        },
        "spec": {} if is_played else {"unschedulable": True},
        "status": {"allocatable": resources, "capacity": resources},
    }


async def make_nodes(cluster: Cluster, client: BulkClient, number: int, *, gpus: int) -> None:
    """Replace the nodes that have no kubelet by ones that kwok plays; keep all else off them and off the real ones."""
    await client.delete_all(NODES, FAKE_NODES)
    affinity = {"key": "type", "operator": "NotIn", "values": list(FAKE.values())}
    required = {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}
    rule = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    system = "/apis/apps/v1/namespaces/kube-system/daemonsets"
    for daemon_set in await client.items(system):
        body = {"spec": {"template": {"spec": {"affinity": rule}}}}
        await client.call("PATCH", f"{system}/{daemon_set['metadata']['name']}", body, content_type=PATCH)
    for name in cluster.node_names:
        await client.call("PATCH", f"{NODES}/{name}", {"spec": {"unschedulable": True}}, content_type=MERGE)
    await client.create(NODES, (node(each, gpus=gpus) for each in range(number)))
    schedulable = {"spec": {"taints": None}}  # what the controller that is off would do with a node that is ready
    paths = (f"{NODES}/{node(each, gpus=gpus)['metadata']['name']}" for each in range(number))
    await client.each(lambda path: client.call("PATCH", path, schedulable, content_type=MERGE), paths)
    deadline = time.monotonic() + 120
    while await ready_nodes(client) < number:
        assert time.monotonic() < deadline, "kwok's nodes are not ready after two minutes"


async def ready_nodes(client: BulkClient) -> int:
    """Return how many nodes that kwok plays are ready."""
    nodes = await client.items(f"{NODES}?{FAKE_NODES}")
    return sum(
        any(each["type"] == "Ready" and each["status"] == "True" for each in found["status"].get("conditions", []))
        for found in nodes
    )


if __name__ == "__main__":
    assert sys.argv[1:] == ["down"], "usage: python -m perf.scale.cluster down"
    if not os.environ.get("LLMTRAIN_BENCH_KEEP"):
        down()
