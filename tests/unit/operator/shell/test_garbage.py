"""No object can raise: every field that the store reads is replaced by everything that a client can write."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_LABEL, JOB_KIND, JOB_LABEL, ROLE_LABEL, TERM_ANNOTATION, WORKER_LABEL
from llmtrain_operator.core.fleet_metrics import Claim
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import NodeStates, NodeView
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.node_loss import lost_nodes
from llmtrain_operator.shell.informer import Informer
from llmtrain_operator.shell.namespace_index import trim_quota
from llmtrain_operator.shell.relevance import trim_pod
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue

ABSENT = object()
GARBAGE = (
    *(ABSENT, None, True, 0, -1, 10**400, 1.5, float("inf"), float("nan"), "", "x", "1k", "-5", "1e999999"),
    *("9" * 5000, "\u0663\u0e01\x00\ud800", [], [None], ["x"], [[]], [{}], {}, {"x": None}, {"type": []}),
)
METADATA: Manifest = {
    "name": "j",
    "namespace": "ns",
    "uid": "u",
    "resourceVersion": "5",
    "generation": 1,
    "creationTimestamp": "2026-11-23T12:00:00Z",
    "deletionTimestamp": "2026-11-23T12:00:00Z",
    "finalizers": ["example.org/f"],
    "labels": {JOB_LABEL: "j", ROLE_LABEL: "worker", WORKER_LABEL: "0", CLUSTER_LABEL: "default"},
    "annotations": {TERM_ANNOTATION: "1"},
    "ownerReferences": [{"kind": JOB_KIND, "name": "j", "uid": "u"}],
}
CONDITION = {"type": "Ready", "status": "True", "message": "m", "lastTransitionTime": "2026-11-23T12:00:00Z"}
AMOUNTS = {"requests": {"nvidia.com/gpu": "1"}, "limits": {"memory": "1Gi"}}
STATE = {
    "waiting": {"reason": "ErrImagePull", "message": "m"},
    "terminated": {"exitCode": 1, "reason": "r", "message": "m"},
}
OBJECTS: dict[str, Manifest] = {
    "Pod": {
        "metadata": METADATA,
        "spec": {
            "nodeName": "n",
            "containers": [{"name": "worker", "image": "i", "resources": AMOUNTS}],
            "initContainers": [{"name": "init", "restartPolicy": "Always", "resources": AMOUNTS}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "reason": "r",
            "message": "m",
            "startTime": "2026-11-23T12:00:00Z",
            "conditions": [
                {**CONDITION, "type": "PodScheduled", "status": "False"},
                {**CONDITION, "type": "DisruptionTarget", "reason": "EvictionByEvictionAPI"},
                CONDITION,
            ],
            "containerStatuses": [
                {"name": "worker", "state": STATE, "lastState": {"terminated": {"reason": "r"}}, "restartCount": 1}
            ],
        },
    },
    "Node": {
        "metadata": METADATA,
        "spec": {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {
            "conditions": [CONDITION],
            "allocatable": {"nvidia.com/gpu": "8"},
            "capacity": {"nvidia.com/gpu": "8"},
        },
    },
    "PersistentVolumeClaim": {"metadata": METADATA, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}},
    "ConfigMap": {"metadata": METADATA, "data": {"run.json": "{}"}},
    "Namespace": {"metadata": {**METADATA, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
    "ResourceQuota": {"metadata": METADATA, "status": {"hard": {"pods": "5"}, "used": {"pods": "1"}}},
    "NetworkPolicy": {"metadata": METADATA, "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}},
    "LLMTrainingJob": {
        "metadata": METADATA,
        "spec": {"workers": {}},
        "status": {"stage": "Waiting", "conditions": [{"type": "Succeeded", "status": "True"}]},
    },
    "LLMCluster": {
        "metadata": METADATA,
        "spec": {"computePools": [{"name": "p", "nodeSelector": {"a": "b"}, "nodes": 1}]},
        "status": {"conditions": [CONDITION]},
    },
}


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in an object."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, *path, key)


def replaced(obj: Manifest, path: tuple[Any, ...], value: Any) -> Manifest:
    """Return a copy of an object with the value at a path replaced."""
    found: Any = copy.deepcopy(obj)
    parent = found
    for key in path[:-1]:
        parent = parent[key]
    if value is ABSENT:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return found


CASES = [
    pytest.param(kind, path, id=f"{kind} {'.'.join(map(str, path))}")
    for kind, obj in OBJECTS.items()
    for path in places(obj)
]


def change(store: Store, kind: str, type: Any, obj: Manifest) -> None:
    """Pass a change on to the store as an informer does."""
    handlers = {
        "Pod": store.pod_changed,
        "Node": store.node_changed,
        "PersistentVolumeClaim": store.claim_changed,
        "ConfigMap": store.object_changed,
        "Namespace": store.namespace_changed,
        "ResourceQuota": store.quota_changed,
        "NetworkPolicy": store.object_changed,
        "LLMTrainingJob": store.job_changed,
        "LLMCluster": store.cluster_changed,
    }
    handlers[kind](type, obj)


@pytest.mark.parametrize(("kind", "path"), CASES)
async def test_an_object_can_contain_anything(kind: str, path: tuple[Any, ...]) -> None:
    good, store = OBJECTS[kind], Store(WorkQueue())
    change(store, "LLMCluster", "upsert", OBJECTS["LLMCluster"])
    for number, value in enumerate(GARBAGE):
        bad = replaced(good, path, value)
        trim_pod(bad)
        trim_quota(bad)
        change(store, kind, "upsert", bad)
        store.node_index.views()
        states = NodeStates.of({"n"}, store.nodes, known=1, not_ready=len(store.unready_nodes))
        lost_nodes(states, node_seconds=40, now=datetime.now(UTC))
        PodView.of(bad)
        NodeView.of(bad)
        Claim.of(bad)
        reverted = copy.deepcopy(good)
        reverted["metadata"]["resourceVersion"] = str(100 + number)
        change(store, kind, "upsert", reverted)
        change(store, kind, "delete", bad)


@pytest.mark.parametrize("kind", OBJECTS)
@pytest.mark.parametrize("obj", [None, [], "x", 1, {}, {"metadata": None}, {"metadata": []}], ids=repr)
async def test_what_is_no_object_is_reported_and_nothing_else_happens(kind: str, obj: Any) -> None:
    store = Store(WorkQueue())
    informer = Informer(None, "v1", kind, lambda type, found: change(store, kind, type, found))  # type: ignore[arg-type]
    informer.upsert(obj)
    informer.upsert(OBJECTS[kind])
    assert list(informer.known) == ["u"]


async def test_other_jobs_continue() -> None:
    store = Store(WorkQueue())
    for value in GARBAGE:
        change(store, "Pod", "upsert", replaced(OBJECTS["Pod"], ("metadata", "labels"), value))
    store.job_changed("upsert", {"metadata": {"namespace": "ns", "name": "other", "uid": "o"}})
    assert Key("job", "ns", "other") in store.queue.waiting
