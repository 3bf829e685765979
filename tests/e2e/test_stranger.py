"""A stranger's pod in the namespace of a job, which knows all about the job except its token, gets nothing from it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, Manifest, installed_image

STRANGER = "stranger"
PROGRAM = """
import contextlib, json, os, socket, urllib.error, urllib.request
from datetime import timedelta

target = json.loads(os.environ["TARGET"])
member = {"worker": 0, "localRank": 0, "incarnation": "stranger", "address": "10.0.0.1", "storePort": 1}
progress = {"generation": 1, "step": 1, "steps": 2, "loss": 1, "learningRate": 1, "gradientNorm": 1, "tokens": 1, "tokensPerSecond": 1}
messages = {
    "GET /v1/status": None,
    "POST /v1/join": {"member": member},
    "POST /v1/heartbeat": {"member": member, "generation": 99, "ranks": 2, "step": 1},
    "POST /v1/progress": progress,
    "POST /v1/leave": {"incarnation": "stranger", "reason": "Failed"},
    "PUT /v1/workers": {"workers": 1},
}

def status_of(request, token):
    method, path = request.split()
    body = json.dumps(messages[request]).encode() if messages[request] else None
    headers = {"X-Llmtrain-Job": target["uid"], **({"Authorization": f"Bearer {token}"} if token else {})}
    url = f"http://{target['coordinator']}{path}"
    try:
        return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code

def received(address, port, sent):
    data = b""
    with contextlib.suppress(OSError), socket.create_connection((address, port), 5) as connection:
        connection.settimeout(2)
        connection.sendall(sent)
        while part := connection.recv(4096):
            data += part
    return len(data)

def reads_store(address, port):
    from torch.distributed import TCPStore
    try:
        TCPStore(address, port, is_master=False, timeout=timedelta(seconds=3), wait_for_workers=False).get("key")
    except Exception:
        return False
    return True

print(json.dumps({
    "statuses": sorted({status_of(request, token) for request in messages for token in ("", "0" * 64)}),
    "received": max(received(a, p, sent) for a, p in target["ports"] for sent in (b"", bytes(8), bytes(range(256)) * 64)),
    "stores": [port for address, port in target["ports"] if reads_store(address, port)],
}), flush=True)
"""
PORTS = """
import json, pathlib
ports = set()
for table in ("tcp", "tcp6"):
    for row in map(str.split, pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]):
        address, port = row[1].split(":")
        if row[3] == "0A" and address != "0100007F":
            ports.add(int(port, 16))
print(json.dumps(sorted(ports)))
"""
"""Prints the ports at which a pod listens for others."""
CHALLENGE_BYTES = 32
"""What a store sends to each client that connects."""


def stranger(image: str, target: dict[str, Any]) -> Manifest:
    """Return a pod of another user, which takes no part in the job."""
    container = {
        "name": STRANGER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", PROGRAM],
        "env": [{"name": "TARGET", "value": json.dumps(target)}, {"name": "HOME", "value": "/tmp"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": STRANGER},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }


@pytest.fixture
def training(kube: Kube, new_job: str) -> Iterator[str]:
    """A job that trains."""
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_step(new_job, 10)
    yield new_job
    kube.run("delete", "pod", STRANGER, "--ignore-not-found", "--grace-period=1")


def open_ports(kube: Kube, name: str) -> list[tuple[str, int]]:
    """Return address and port of everything that the workers of a job open."""
    found = []
    for pod in kube.pods(name, "worker"):
        listing = kube.run("exec", pod["metadata"]["name"], "--", "python3", "-c", PORTS).stdout
        found += [(pod["status"]["podIP"], port) for port in json.loads(listing)]
    return found


def generations(kube: Kube, name: str) -> list[int]:
    """Return the generations that the first worker has joined."""
    lines = [json.loads(line) for line in kube.run("logs", f"{name}-worker-0").stdout.splitlines() if line[:1] == "{"]
    return [line["generation"] for line in lines if line.get("event") == "generationJoined"]


def test_a_stranger_neither_joins_nor_reads_the_status_nor_ends_a_generation(kube: Kube, training: str) -> None:
    uid, ports = kube.get("ltj", training)["metadata"]["uid"], open_ports(kube, training)
    before, joined = kube.status(training), generations(kube, training)
    assert ports, "the ranks listen for each other"
    target = {"uid": uid, "coordinator": f"{training}-coordinator:8470", "ports": ports}
    kube.apply(stranger(installed_image(kube, "trainer-cpu"), target))
    kube.wait("the stranger has tried", lambda: kube.get("pod", STRANGER)["status"]["phase"] == "Succeeded")
    found = json.loads(kube.run("logs", STRANGER).stdout.splitlines()[-1])
    assert found["statuses"] == [401]
    assert found["received"] <= CHALLENGE_BYTES
    assert found["stores"] == []
    kube.wait_for_step(training, before["progress"]["step"] + 20)
    after = kube.status(training)
    assert generations(kube, training) == joined
    assert after["recoveries"]["count"] == before["recoveries"]["count"] == 0


def test_the_token_of_a_job_is_in_its_secret_alone(kube: Kube, training: str) -> None:
    selector = f"llmtrain.dev/job={training}"
    (secret,) = kube.objects("secrets", selector)
    token = base64.b64decode(secret["data"]["token"]).decode()
    texts = [
        kube.run("get", "pods,services,configmaps,events,ltj", "-o", "yaml").stdout,
        kube.run("describe", "pods", "-l", selector).stdout,
        *(kube.run("logs", pod["metadata"]["name"]).stdout for pod in kube.pods(training)),
    ]
    assert not any(token in text for text in texts)
    assert secret["metadata"]["ownerReferences"][0]["kind"] == "LLMTrainingJob"
    environment = kube.run("exec", f"{training}-worker-0", "--", "env").stdout
    assert token not in environment


def test_a_job_has_a_network_policy_that_admits_its_own_pods(kube: Kube, training: str) -> None:
    policy = kube.get("networkpolicy", f"{training}-network")
    assert policy["spec"]["podSelector"]["matchLabels"] == {"llmtrain.dev/job": training}
    assert policy["spec"]["ingress"][0] == {"from": [{"podSelector": policy["spec"]["podSelector"]}]}
