"""A change enqueues the keys that it affects."""

from typing import Any

import pytest

from llmtrain_api.names import JOB_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.store import Store, is_newer, owner_of, trim_pod
from llmtrain_operator.shell.work_queue import Key, WorkQueue
from unit.operator.builders import node

JOB = Key("job", "ns", "j")
LABELS = {JOB_LABEL: "j"}


def job(version: str = "1", stage: str = "Waiting", uid: str = "u") -> Manifest:
    return {
        "metadata": {"namespace": "ns", "name": "j", "uid": uid, "resourceVersion": version},
        "status": {"stage": stage},
    }


def child(name: str, uid: str = "c", *, labels: dict[str, str] | None = None, gpus: int = 0) -> Manifest:
    requests = {"nvidia.com/gpu": str(gpus)} if gpus else {}
    return {
        "kind": "Pod",
        "metadata": {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": "1", "labels": labels or {}},
        "spec": {"nodeName": "n", "containers": [{"image": "big", "resources": {"requests": requests}}]},
        "status": {"phase": "Running"},
    }


@pytest.fixture
async def store() -> Store:
    return Store(WorkQueue())


async def drained(store: Store) -> Store:
    """Return the store with an empty queue."""
    while store.queue.waiting:
        store.queue.done(await store.queue.take())
    return store


async def test_a_child_enqueues_its_job(store: Store) -> None:
    store.pod_changed("upsert", child("j-worker-0", labels=LABELS))
    assert store.queue.waiting == {JOB}
    assert list(store.pods_of["ns", "j"]) == ["j-worker-0"]


async def test_an_object_of_a_job_is_indexed_by_kind_and_name(store: Store) -> None:
    store.object_changed("upsert", {**child("j-coordinator", labels=LABELS), "kind": "Service"})
    assert store.queue.waiting == {JOB}
    assert list(store.objects_of["ns", "j"]) == [("Service", "j-coordinator")]


async def test_a_child_that_lost_its_label_still_enqueues_its_owner(store: Store) -> None:
    obj = child("j-worker-0")
    obj["metadata"]["ownerReferences"] = [{"kind": "LLMTrainingJob", "name": "j", "uid": "u"}]
    store.pod_changed("upsert", obj)
    assert store.queue.waiting == {JOB}
    assert owner_of(child("foreign")) is None


async def test_an_older_version_that_arrives_late_is_ignored(store: Store) -> None:
    store.job_changed("upsert", job("7", "Training"))
    store.job_changed("upsert", job("6", "Waiting"))
    assert store.jobs["ns", "j"]["status"]["stage"] == "Training"
    store.job_changed("upsert", job("1", "Waiting", uid="successor"))
    assert store.jobs["ns", "j"]["metadata"]["uid"] == "successor"
    assert not is_newer(job("6"), job("7"))


async def test_the_deletion_of_a_predecessor_keeps_the_successor(store: Store) -> None:
    store.pod_changed("upsert", child("j-worker-0", "new", labels=LABELS))
    store.pod_changed("delete", child("j-worker-0", "old", labels=LABELS))
    assert list(store.pods_of["ns", "j"]) == ["j-worker-0"]
    store.job_changed("upsert", job(uid="new"))
    store.job_changed("delete", job(uid="old"))
    assert list(store.jobs) == [("ns", "j")]


async def test_a_cluster_and_a_claim_enqueue_jobs_that_wait(store: Store) -> None:
    store.job_changed("upsert", job())
    await drained(store)
    store.cluster_changed("upsert", {"metadata": {"name": "c", "uid": "c", "resourceVersion": "1"}})
    assert store.queue.waiting == {JOB, Key("cluster", "", "c")}
    await drained(store)
    store.claim_changed("upsert", {"metadata": {"namespace": "ns", "name": "datasets", "uid": "d"}})
    assert store.queue.waiting == {JOB}
    assert Key("cluster", "", "c") in store.queue.timers, "changes of claims come in bursts"


async def test_a_node_enqueues_the_jobs_on_it_unless_only_its_heartbeat_changed(store: Store) -> None:
    store.node_changed("upsert", node())
    store.pod_changed("upsert", child("j-worker-0", labels=LABELS))
    await drained(store)
    store.node_changed("upsert", {**node(), "heartbeat": "2026-11-23T12:00:00Z"})
    assert store.queue.waiting == set()
    store.node_changed("upsert", node("Unknown"))
    assert store.queue.waiting == {JOB}


async def test_pods_occupy_gpus_until_they_finish_or_are_deleted(store: Store) -> None:
    finished = {"status": {"phase": "Succeeded"}}
    for change, pod, uids in (
        ("upsert", child("a", "a", gpus=2), ["a"]),
        ("upsert", child("b", "b", gpus=1), ["a", "b"]),
        ("upsert", child("c", "c"), ["a", "b"]),
        ("upsert", {**child("a", "a", gpus=2), **finished}, ["b"]),
        ("delete", child("b", "b", gpus=1), []),
    ):
        store.pod_changed(change, pod)
        assert [found["metadata"]["uid"] for found in store.gpu_pods("n")] == uids


def test_pods_of_jobs_are_kept_whole_and_others_trimmed() -> None:
    assert trim_pod(child("j-worker-0", labels=LABELS))["spec"]["containers"][0]["image"] == "big"
    requests: dict[str, Any] = {"nvidia.com/gpu": "1"}
    assert trim_pod(child("x", gpus=1))["spec"] == {
        "nodeName": "n",
        "containers": [{"resources": {"requests": requests}}],
    }
