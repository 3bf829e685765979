"""Nodes and pods without anything that acts on them, written into etcd: the API would take half an hour for so many pods.

They look to everyone who lists and watches like those of a big cluster. The nodes are ready, and cordoned, so that nothing is
scheduled on them; the pods are bound to them and run.
"""

import asyncio
import base64
import json
import ssl
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import aiohttp

from llmtrain_kind.cluster import Cluster
from llmtrain_kind.commands import run
from perf.scale.cluster import node

Manifest = dict[str, Any]

NAMESPACE = "bench-foreign"
NODES_PREFIX, PODS_PREFIX = "/registry/minions/stored-", f"/registry/pods/{NAMESPACE}/"
BATCH = 128
"""Operations of one transaction, the most that etcd accepts."""
CREATED = "2026-01-01T00:00:00Z"
GPUS_PER_NODE = 8
PODS_WITH_GPUS = 15
"""One of so many pods holds the GPUs of its node."""


class Etcd:
    """The etcd of a cluster, through its JSON gateway."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def put(self, objects: Iterable[tuple[str, Manifest]]) -> None:
        """Write objects by key, several transactions at a time."""
        left = iter(objects)

        async def work() -> None:
            while batch := list(islice(left, BATCH)):
                puts = [{"requestPut": {"key": encoded(key), "value": encoded(json.dumps(obj))}} for key, obj in batch]
                await self.call("txn", {"success": puts})

        await asyncio.gather(*(work() for _ in range(4)))

    async def delete(self, prefix: str) -> None:
        """Delete all keys with a prefix."""
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        await self.call("deleterange", {"key": encoded(prefix), "range_end": encoded(after)})

    async def call(self, request: str, body: Manifest) -> None:
        """Send a request; AssertionError if it fails."""
        async with self.session.post(f"/v3/kv/{request}", data=json.dumps(body)) as response:
            assert response.status == 200, f"etcd: {response.status} {(await response.text())[:500]}"


@asynccontextmanager
async def etcd_of(cluster: Cluster) -> AsyncIterator[Etcd]:
    """Connect to the etcd of a cluster as its API server does."""
    engine, control_plane = cluster.provider.engine, cluster.node_names[0]
    address = next(each.address for each in cluster.kubectl.addresses() if each.name == control_plane)

    def read(name: str) -> str:
        return run([engine, "exec", control_plane, "cat", f"/etc/kubernetes/pki/{name}"])

    context = ssl.create_default_context(cadata=read("etcd/ca.crt"))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(read("apiserver-etcd-client.crt") + read("apiserver-etcd-client.key"))
        file.flush()
        context.load_cert_chain(file.name)
    connector, timeout = aiohttp.TCPConnector(ssl=context), aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(f"https://{address}:2379", connector=connector, timeout=timeout) as session:
        yield Etcd(session)


def encoded(text: str) -> str:
    """Return a text as the gateway expects keys and values."""
    return base64.b64encode(text.encode()).decode()


def stored_nodes(number: int) -> Iterator[tuple[str, Manifest]]:
    """Yield the keys and objects of nodes."""
    for each in range(number):
        found = node(each, gpus=GPUS_PER_NODE, is_played=False)
        name = found["metadata"]["name"]
        found["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": CREATED}
        found["metadata"]["labels"] |= {f"example.com/label-{label}": f"value-{label}" for label in range(20)}
        found["status"]["conditions"] = [condition("Ready", "KubeletReady")]
        found["status"]["images"] = [
            {"names": [f"registry.example/team/image-{image}@sha256:{'0' * 64}"], "sizeBytes": 100_000_000}
            for image in range(25)
        ]
        yield f"/registry/minions/{name}", found


def stored_pods(number: int, nodes: int) -> Iterator[tuple[str, Manifest]]:
    """Yield the keys and objects of pods, spread over so many nodes."""
    for each in range(number):
        name = f"foreign-{each}"
        gpus = {"nvidia.com/gpu": str(GPUS_PER_NODE)} if each // nodes % PODS_WITH_GPUS == 0 else {}
        yield f"{PODS_PREFIX}{name}", stored_pod(name, f"stored-{each % nodes}", {"cpu": "1", "memory": "1Gi", **gpus})


def stored_pod(name: str, node_name: str, resources: dict[str, str]) -> Manifest:
    """Return a pod of usual size, about 3 KiB, as etcd holds it."""
    image = f"registry.example/team/application@sha256:{'0' * 64}"
    container = {
        "name": "application",
        "image": image,
        "command": ["/bin/application"],
        "args": [f"--option-{option}=value-{option}" for option in range(10)],
        "env": [{"name": f"VARIABLE_{variable}", "value": f"value of variable {variable}"} for variable in range(15)],
        "resources": {"requests": resources, "limits": resources},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    fields = {f"f:field-{field}": {".": {}, "f:inner": {}} for field in range(20)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": CREATED,
            "labels": {f"example.com/label-{label}": f"value-{label}" for label in range(6)},
            "managedFields": [
                {
                    "manager": "kubelet",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "time": CREATED,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:status": fields},
                }
            ],
        },
        "spec": {"nodeName": node_name, "containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]},
        "status": {
            "phase": "Running",
            "startTime": CREATED,
            "conditions": [condition(type, "") for type in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
            "containerStatuses": [
                {
                    "name": "application",
                    "image": image,
                    "imageID": image,
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": CREATED}},
                }
            ],
        },
    }


def condition(type: str, reason: str) -> Manifest:
    """Return a condition that is true."""
    return {"type": type, "status": "True", "reason": reason, "lastTransitionTime": CREATED}
