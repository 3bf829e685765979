"""No object can raise: every field that the store reads is replaced by everything that a client can write."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from llmtrain_api.names import (
    CLUSTER_KIND,
    CLUSTER_LABEL,
    JOB_KIND,
    JOB_LABEL,
    ROLE_LABEL,
    TERM_ANNOTATION,
    WORKER_LABEL,
)
from llmtrain_operator.core.cluster import plan_cluster
from llmtrain_operator.core.fleet_metrics import Claim
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import NodeStates, NodeView
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.node_loss import lost_nodes, next_node_check
from llmtrain_operator.shell.claim_memory import ClaimMemory
from llmtrain_operator.shell.informer import Informer
from llmtrain_operator.shell.namespace_index import trim_quota
from llmtrain_operator.shell.observe import observe_cluster
from llmtrain_operator.shell.relevance import trim_pod
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue
from support.crd_schema import violations
from support.garbage import GARBAGE, FieldPath, garbled, places, replaced
from support.measurements import RecordMeasurement

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
    "ownerReferences": [{"kind": JOB_KIND, "name": "j", "uid": "u", "controller": True}],
}
CONDITION = {"type": "Ready", "status": "True", "message": "m", "lastTransitionTime": "2026-11-23T12:00:00Z"}
AMOUNTS = {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1", "memory": "1Gi"}}
STATE = {
    "waiting": {"reason": "ErrImagePull", "message": "m"},
    "terminated": {"exitCode": 1, "reason": "r", "message": "m"},
}
OBJECTS: dict[str, Manifest] = {
    "Pod": {
        "metadata": {**METADATA, "name": "j-worker-0"},
        "spec": {
            "nodeName": "n",
            "restartPolicy": "Never",
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
                {**CONDITION, "status": "False", "reason": "ContainersNotReady"},
            ],
            "initContainerStatuses": [{"name": "init", "state": STATE}],
            "containerStatuses": [
                {
                    "name": "worker",
                    "ready": True,
                    "state": STATE,
                    "lastState": {"terminated": {"reason": "r"}},
                    "restartCount": 1,
                }
            ],
        },
    },
    "Node": {
        "metadata": METADATA,
        "spec": {"unschedulable": True, "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]},
        "status": {
            "conditions": [{**CONDITION, "status": "Unknown"}],
            "allocatable": {"nvidia.com/gpu": "8", "memory": "1Gi"},
            "capacity": {"nvidia.com/gpu": "8"},
        },
    },
    "PersistentVolumeClaim": {
        "metadata": METADATA,
        "status": {
            "phase": "Bound",
            "capacity": {"storage": "1Gi"},
            "conditions": [{**CONDITION, "type": "Resizing", "reason": "r"}],
        },
    },
    "ConfigMap": {"kind": "ConfigMap", "metadata": METADATA, "data": {"run.json": "{}"}},
    "Namespace": {
        "metadata": {**METADATA, "labels": {JOB_LABEL: "j", "pod-security.kubernetes.io/enforce": "restricted"}}
    },
    "ResourceQuota": {"metadata": METADATA, "status": {"hard": {"pods": "5"}, "used": {"pods": "1"}}},
    "NetworkPolicy": {
        "kind": "NetworkPolicy",
        "metadata": METADATA,
        "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
    },
    "LLMTrainingJob": {
        "metadata": METADATA,
        "spec": {"workers": {"replicas": 2, "gpus": 1}, "model": {"from": {"job": "k"}, "vectors": {"job": "k"}}},
        "status": {
            "stage": "Waiting",
            "pool": "p",
            "modelSource": {},
            "model": {"volume": "v", "path": "p"},
            "conditions": [{"type": "Succeeded", "status": "True"}],
        },
    },
    "LLMCluster": {
        "metadata": METADATA,
        "spec": {
            "computePools": [
                {"name": "p", "nodes": 1, "expect": {"labels": {"a": "b"}, "allocatable": {"memory": "1Ti"}}}
            ],
            "storagePools": [{"name": "j", "size": "2Gi"}],
            "tenants": [{"namespace": "ns"}],
        },
        "status": {"conditions": [CONDITION]},
    },
}


TRIMS: dict[str, Any] = {"ResourceQuota": trim_quota, "Pod": trim_pod}
VIEWS: dict[str, Any] = {"Pod": PodView, "Node": NodeView, "PersistentVolumeClaim": Claim}
"""What snapshots and metrics make of an object."""


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


def plan_inventory(store: Store) -> None:
    """Plan the status of the LLMCluster, which the API server must accept."""
    observed = observe_cluster(store, "j", ClaimMemory())
    assert observed is not None
    planned = plan_cluster(observed[1]).status
    assert planned is not None
    assert not violations(CLUSTER_KIND, "status", json.loads(json.dumps(planned.document(), allow_nan=False)))


def read(kind: str, obj: Manifest) -> None:
    """Read an object as informers, snapshots and metrics do, before and after another version of it, and delete it."""
    store, good = Store(WorkQueue()), OBJECTS[kind]
    change(store, "LLMCluster", "upsert", OBJECTS["LLMCluster"])
    if kind in TRIMS:
        trimmed = TRIMS[kind](obj)
        if trimmed is not None:
            change(store, kind, "upsert", trimmed)
    change(store, kind, "upsert", obj)
    store.node_index.views()
    states = NodeStates.of({"j"}, store.nodes, known=1, not_ready=len(store.unready_nodes))
    lost_nodes(states, node_seconds=40, now=datetime.now(UTC))
    next_node_check(states, node_seconds=40, now=datetime.now(UTC))
    if kind in VIEWS:
        VIEWS[kind].of(obj)
        plan_inventory(store)
    change(store, kind, "upsert", replaced(good, ("metadata", "resourceVersion"), "100"))
    change(store, kind, "delete", obj)


async def test_an_object_can_contain_anything(record_measurement: RecordMeasurement) -> None:
    cases = 0
    for kind, good in OBJECTS.items():
        for place, bad in garbled(good):
            cases += 1
            try:
                read(kind, bad)
            except Exception as error:
                error.add_note(f"{kind} {'.'.join(map(str, place))}")
                raise
    record_measurement("garbage_cases", cases, "")


class Traced(dict[str, Any]):
    """An object that records which of its fields are read."""

    def __init__(self, fields: Manifest, place: FieldPath, seen: set[FieldPath]) -> None:
        super().__init__({name: traced(value, (*place, name), seen) for name, value in fields.items()})
        self.place, self.seen = place, seen

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add((*self.place, key))
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.seen.add((*self.place, key))
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.seen.add((*self.place, key))
        return super().__contains__(key)


def traced(value: Any, place: FieldPath, seen: set[FieldPath]) -> Any:
    """Return a value whose objects record which of their fields are read."""
    if isinstance(value, dict):
        return Traced(value, place, seen)
    if isinstance(value, list):
        return [traced(item, (*place, number), seen) for number, item in enumerate(value)]
    return value


@pytest.mark.parametrize("kind", OBJECTS)
async def test_garbage_is_put_wherever_the_operator_reads(kind: str) -> None:
    seen: set[FieldPath] = set()
    read(kind, traced(OBJECTS[kind], (), seen))
    assert seen
    missing = seen - set(places(OBJECTS[kind]))
    assert not missing, f"add these fields to OBJECTS: {missing}"


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
