"""A change enqueues the keys that it affects."""

import asyncio
from typing import Any

import pytest

from llmtrain_api.names import JOB_LABEL
from llmtrain_api.workers import Workers
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.relevance import owner_of
from llmtrain_operator.shell.store import Store
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


async def test_nodes_that_are_not_ready_are_kept_by_name(store: Store) -> None:
    store.node_changed("upsert", node("False", name="a"))
    store.node_changed("upsert", node("Unknown", name="b"))
    store.node_changed("upsert", node(name="c"))
    assert store.unready_nodes == {"a", "b"}
    store.node_changed("upsert", node(name="a"))
    store.node_changed("delete", node("Unknown", name="b"))
    assert store.unready_nodes == set()


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


async def test_gpus_of_pods_are_counted_some_seconds_later_and_nodes_soon(store: Store) -> None:
    def seconds() -> float:
        timer = store.queue.timers[Key("cluster", "", "c")]
        return timer.when() - asyncio.get_running_loop().time()

    store.cluster_changed("upsert", {"metadata": {"name": "c", "uid": "c", "resourceVersion": "1"}})
    await drained(store)
    store.pod_changed("upsert", child("a", "a", gpus=2))
    assert seconds() == pytest.approx(5, abs=0.4)
    store.node_changed("upsert", node())
    assert seconds() == pytest.approx(0.5, abs=0.4)


async def test_pods_occupy_gpus_until_they_finish_or_are_deleted(store: Store) -> None:
    finished = {"status": {"phase": "Succeeded"}}
    for change, pod, gpus in (
        ("upsert", child("a", "a", gpus=2), 2),
        ("upsert", child("b", "b", gpus=1), 3),
        ("upsert", child("c", "c"), 3),
        ("upsert", {**child("a", "a", gpus=2), **finished}, 1),
        ("delete", child("b", "b", gpus=1), 0),
    ):
        store.pod_changed(change, pod)
        assert store.node_index.gpus_on("n").get("ns", 0) == gpus


def version(obj: Manifest, number: str, **metadata: Any) -> Manifest:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": number, **metadata}}


async def test_the_operators_own_status_and_its_echo_enqueue_nothing(store: Store) -> None:
    store.job_changed("upsert", job("1"))
    key = await store.queue.take()
    store.job_changed("upsert", job("2", "Training"))  # the echo, before the answer
    store.job_changed("upsert", job("2", "Training"))  # the answer
    store.queue.done(key)
    store.job_changed("upsert", job("2", "Training"))  # the echo, after the answer
    assert not store.queue.waiting
    assert store.jobs["ns", "j"]["status"] == {"stage": "Training"}


async def test_a_status_of_another_writer_enqueues_the_job(store: Store) -> None:
    store.job_changed("upsert", job("1"))
    await drained(store)
    store.job_changed("upsert", job("2", "Training"))
    assert store.queue.waiting == {JOB}


async def test_a_status_of_another_writer_between_an_own_write_and_its_answer_enqueues_the_job(store: Store) -> None:
    store.job_changed("upsert", job("1"))
    key = await store.queue.take()
    store.job_changed("upsert", job("2", "Training"))
    store.job_changed("upsert", job("3", "Edited"))
    store.job_changed("upsert", job("2", "Training"))  # the answer
    store.queue.done(key)
    assert store.queue.waiting == {JOB}
    assert store.jobs["ns", "j"]["status"] == {"stage": "Edited"}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"annotations": {"example.com/a": "b"}}, False, id="a foreign annotation"),
        pytest.param({"annotations": {"llmtrain.dev/a": "b"}}, True, id="an annotation of this API group"),
        pytest.param({"labels": {"a": "b"}}, True, id="a label"),
        pytest.param({"generation": 2}, True, id="the spec"),
        pytest.param({"deletionTimestamp": "2026-11-23T12:00:00Z"}, True, id="its deletion"),
    ],
)
async def test_a_job_is_enqueued_for_what_decisions_read(
    store: Store, metadata: dict[str, Any], expected: bool
) -> None:
    store.job_changed("upsert", version(job(), "1", generation=1))
    key = await store.queue.take()
    store.job_changed("upsert", version(job(), "2", **{"generation": 1, **metadata}))
    store.queue.done(key)
    assert bool(store.queue.waiting) is expected


async def test_the_status_of_a_cluster_does_not_enqueue_jobs_that_wait(store: Store) -> None:
    cluster: Manifest = {"metadata": {"name": "c", "uid": "c", "resourceVersion": "1", "generation": 1}}
    store.job_changed("upsert", job())
    store.cluster_changed("upsert", cluster)
    await drained(store)
    store.cluster_changed("upsert", {**version(cluster, "2"), "status": {"nodesReady": 1}})
    assert JOB not in store.queue.waiting
    store.cluster_changed("upsert", version(cluster, "3", generation=2))
    assert JOB in store.queue.waiting


async def test_a_pod_enqueues_its_job_only_for_what_decisions_see(store: Store) -> None:
    pod = child("j-worker-0", labels=LABELS)
    store.pod_changed("upsert", pod)
    await drained(store)
    store.pod_changed("upsert", version(pod, "2", annotations={"example.com/a": "b"}))
    store.pod_changed("upsert", {**version(pod, "3"), "status": {"phase": "Running", "hostIP": "10.0.0.1"}})
    assert not store.queue.waiting
    store.pod_changed("upsert", {**version(pod, "4"), "status": {"phase": "Failed"}})
    assert store.queue.waiting == {JOB}


async def test_a_repaired_label_enqueues_the_job(store: Store) -> None:
    pod = child("j-worker-0", labels=LABELS)
    store.pod_changed("upsert", pod)
    await drained(store)
    store.pod_changed("upsert", version(pod, "2", labels={**LABELS, "a": "b"}))
    assert store.queue.waiting == {JOB}


async def test_a_deleted_object_does_not_return(store: Store) -> None:
    claim: Manifest = {"metadata": {"namespace": "ns", "name": "data", "uid": "d"}}
    for change, obj, index in (
        (store.pod_changed, child("j-worker-0", labels=LABELS), store.pods_of),
        (store.object_changed, {**child("j-run", "o", labels=LABELS), "kind": "ConfigMap"}, store.objects_of),
        (store.claim_changed, claim, store.claims),
        (store.job_changed, job(), store.jobs),
        (store.cluster_changed, {"metadata": {"name": "c", "uid": "k"}}, store.clusters),
    ):
        change("upsert", version(obj, "5"))
        assert index
        change("delete", version(obj, "7"))
        change("upsert", version(obj, "6"))
        assert not index, "no empty dict is left either"


async def test_an_answer_that_is_older_than_a_watch_event_is_ignored(store: Store) -> None:
    pod = child("j-worker-0", labels=LABELS)
    store.pod_changed("upsert", {**version(pod, "8"), "status": {"phase": "Failed"}})
    store.pod_changed("upsert", version(pod, "7"))
    assert store.pods_of["ns", "j"]["j-worker-0"]["status"]["phase"] == "Failed"


async def test_a_pod_that_leaves_its_job_is_no_longer_found_under_it(store: Store) -> None:
    store.pod_changed("upsert", child("p", labels=LABELS))
    await drained(store)
    store.pod_changed("upsert", version(child("p"), "2"))
    assert not store.pods_of
    assert store.queue.waiting == {JOB}


async def test_finished_jobs_are_enqueued_behind_others(store: Store) -> None:
    end = {"conditions": [{"type": "Succeeded", "status": "True"}]}
    for name, status in (("done", end), ("alive", {})):
        obj = job()
        obj["metadata"] |= {"name": name, "uid": name}
        store.job_changed("upsert", {**obj, "status": status})
    assert [(await store.queue.take()).name for _ in range(2)] == ["alive", "done"]


async def test_nodes_that_change_together_enqueue_jobs_that_wait_once(store: Store) -> None:
    store.cluster_changed(
        "upsert", {"metadata": {"name": "c", "uid": "c"}, "spec": {"computePools": [{"name": "all"}]}}
    )
    store.job_changed("upsert", job())
    await drained(store)
    for number in range(3):
        store.node_changed("upsert", node(name=f"n{number}"))
    assert not store.queue.waiting
    assert store.burst is not None
    assert store.inventory("c").capacity.gpus == 24
    store.end_burst()
    assert store.queue.waiting == {JOB}


async def test_gpus_of_jobs_that_start_together_are_allocated_before_their_pods_are_scheduled(store: Store) -> None:
    store.cluster_changed(
        "upsert", {"metadata": {"name": "c", "uid": "c"}, "spec": {"computePools": [{"name": "all"}]}}
    )
    store.node_changed("upsert", node())
    placed = job()
    placed |= {"spec": {"cluster": "c", "workers": {"replicas": 2, "gpus": 3}}, "status": {"pool": "all"}}
    store.job_changed("upsert", placed)
    workers = Workers(gpus=1)
    assert store.capacities("c", workers)["all"].gpus_allocated == 6
    store.job_changed("delete", placed)
    assert store.capacities("c", workers)["all"].gpus_allocated == 0
    assert store.capacities("unknown", workers) == {}
