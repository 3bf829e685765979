"""What is seen wakes those whom it concerns."""

from typing import Any

import pytest

from llmtrain_api.names import JOB_LABEL
from llmtrain_operator.core.node_view import NodeView, gpus_of
from llmtrain_operator.shell.store import Store, trim_pod
from llmtrain_operator.shell.work_queue import Key, WorkQueue

JOB = Key("job", "ns", "j")


def job(version: str = "1", stage: str = "Waiting", uid: str = "u") -> dict[str, Any]:
    return {
        "metadata": {"namespace": "ns", "name": "j", "uid": uid, "resourceVersion": version},
        "status": {"stage": stage},
    }


def child(name: str, uid: str = "c", **labels: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"namespace": "ns", "name": name, "uid": uid, "labels": labels},
        "spec": {},
        "status": {},
    }


def node(ready: str = "True", **spec: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "message": "kubelet stopped posting"}]
    return {
        "metadata": {"name": "n", "uid": "n"},
        "spec": spec,
        "status": {"conditions": conditions, "allocatable": {"nvidia.com/gpu": "8"}},
    }


@pytest.fixture
async def store() -> Store:
    return Store(WorkQueue())


async def test_a_child_wakes_its_job(store: Store) -> None:
    store.pod_changed("upsert", child("j-worker-0", **{JOB_LABEL: "j"}))
    assert store.queue.waiting == {JOB}
    assert list(store.pods_of["ns", "j"]) == ["j-worker-0"]


async def test_a_child_that_lost_its_label_still_wakes_its_owner(store: Store) -> None:
    thing = child("j-worker-0")
    thing["metadata"]["ownerReferences"] = [{"kind": "LLMTrainingJob", "name": "j", "uid": "u"}]
    store.pod_changed("upsert", thing)
    assert store.queue.waiting == {JOB}


async def test_an_old_version_that_comes_late_is_not_believed(store: Store) -> None:
    store.job_changed("upsert", job("7", "Training"))
    store.job_changed("upsert", job("6", "Waiting"))
    assert store.jobs["ns", "j"]["status"]["stage"] == "Training"
    store.job_changed("upsert", job("1", "Waiting", uid="successor"))
    assert store.jobs["ns", "j"]["metadata"]["uid"] == "successor"


async def test_the_drop_of_a_predecessor_leaves_the_successor(store: Store) -> None:
    store.pod_changed("upsert", child("j-worker-0", "new", **{JOB_LABEL: "j"}))
    store.pod_changed("delete", child("j-worker-0", "old", **{JOB_LABEL: "j"}))
    assert list(store.pods_of["ns", "j"]) == ["j-worker-0"]


async def test_a_cluster_wakes_jobs_that_wait(store: Store) -> None:
    store.job_changed("upsert", job())
    store.queue.done(await store.queue.take())
    store.cluster_changed("upsert", {"metadata": {"name": "c", "uid": "c", "resourceVersion": "1"}})
    assert store.queue.waiting == {JOB, Key("cluster", "", "c")}


async def test_a_node_is_judged(store: Store) -> None:
    assert NodeView.of(node()).ready
    assert "kubelet stopped" in NodeView.of(node("Unknown")).reason
    assert "uncordon" in NodeView.of(node(unschedulable=True)).reason
    assert not NodeView.of(node(taints=[{"key": "team", "effect": "NoSchedule"}])).schedulable_by_default


async def test_a_node_that_is_cordoned_or_silent_stays_what_it_was(store: Store) -> None:
    cordoned = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    assert NodeView.of(node(taints=[cordoned], unschedulable=True)).schedulable_by_default
    reserved = {"key": "team", "effect": "NoSchedule"}
    assert not NodeView.of(node("Unknown", taints=[cordoned, reserved])).schedulable_by_default
    control_plane = node("Unknown")
    control_plane["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    assert not NodeView.of(control_plane).schedulable_by_default


def asking(
    *gpus: int, init: tuple[tuple[int, bool], ...] = (), uid: str = "c", phase: str = "Running"
) -> dict[str, Any]:
    """Return a pod whose containers ask for GPUs; those of `init` may restart, and so stay."""

    def container(number: int, **more: str) -> dict[str, Any]:
        return {"resources": {"requests": {"nvidia.com/gpu": str(number)} if number else {}}, **more}

    pod = child("x", uid)
    pod["metadata"]["resourceVersion"] = "1"
    pod["spec"] = {
        "nodeName": "n",
        "containers": [container(number) for number in gpus],
        "initContainers": [
            container(number, **({"restartPolicy": "Always"} if stays else {})) for number, stays in init
        ],
    }
    return trim_pod({**pod, "status": {"phase": phase}})


HELD = [
    ("all its containers' at once", asking(1, 2), 3),
    ("a sidecar's too", asking(1, init=((2, True),)), 3),
    ("or what an init container needs alone", asking(1, init=((8, False), (4, False))), 8),
    ("beside the sidecars before it", asking(1, init=((2, True), (4, False), (1, True))), 6),
    ("none when it is over", asking(1, phase="Succeeded"), 0),
]


@pytest.mark.parametrize(("sentence", "pod", "gpus"), HELD, ids=[case[0] for case in HELD])
def test_a_pod_holds(sentence: str, pod: dict[str, Any], gpus: int) -> None:
    assert gpus_of(pod) == gpus


async def test_gpus_are_held_until_their_pod_is_over_or_gone(store: Store) -> None:
    for change, pod, held in (
        ("upsert", asking(2), 2),
        ("upsert", asking(1, uid="d"), 3),
        ("upsert", asking(2, phase="Succeeded"), 1),
        ("upsert", asking(1, uid="d"), 1),
        ("delete", asking(1, uid="d"), 0),
    ):
        store.pod_changed(change, pod)
        assert NodeView.of(node(), store.gpu_pods("n")).gpus_allocated == held
        assert NodeView.of(node(), store.gpu_pods("n")).gpus_by_namespace == ({"ns": held} if held else {})


def test_other_peoples_pods_are_kept_small() -> None:
    pod = child("x")
    pod["metadata"]["resourceVersion"] = "1"
    pod["spec"] = {
        "nodeName": "n",
        "containers": [{"image": "big", "env": [1], "resources": {"requests": {"nvidia.com/gpu": "1"}}}],
    }
    kept = trim_pod(pod)
    assert kept["spec"] == {"nodeName": "n", "containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]}
