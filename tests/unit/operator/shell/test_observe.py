"""Snapshots from the store."""

from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_LABEL, JOB_KIND, JOB_LABEL, ROLE_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell import observe
from llmtrain_operator.shell.errors import ApiError, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.observe import observe_cluster, observe_fleet, observe_job, owned
from llmtrain_operator.shell.pod_warnings import PodWarnings
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue
from unit.operator.builders import IMAGES, SPEC, coordinator_status, node

CLUSTER_SPEC = {"computePools": [{"name": "all"}], "tenants": [{"namespace": "ns"}, {"namespace": "gone"}]}


def top_level(kind: str, name: str, spec: dict[str, Any], **more: str) -> Manifest:
    metadata = {"name": name, "uid": f"uid-of-{name}", "generation": 1, "resourceVersion": "1"}
    metadata = {**metadata, "creationTimestamp": "2026-11-23T12:00:00Z", **more}
    return {"apiVersion": "llmtrain.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def pod(name: str, role: str, owner: str = "uid-of-j") -> Manifest:
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": name,
            "labels": {JOB_LABEL: "j", ROLE_LABEL: role},
            "ownerReferences": [{"kind": JOB_KIND, "name": "j", "uid": owner}],
        },
        "spec": {"nodeName": "lost"},
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


@pytest.fixture
async def store() -> Store:
    store = Store(WorkQueue())
    store.cluster_changed("upsert", top_level(CLUSTER_KIND, "default", CLUSTER_SPEC))
    store.job_changed("upsert", top_level(JOB_KIND, "j", SPEC, namespace="ns"))
    store.node_changed("upsert", node())
    return store


class NodeApi:
    """An API server that answers a GET of the node "lost" with `answer`, and of no other object."""

    def __init__(self, answer: Manifest | ApiError) -> None:
        self.answer, self.calls = answer, list[str]()

    async def call(self, method: str, path: str) -> Manifest:
        self.calls.append(f"{method} {path}")
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer


NODE_IS_ABSENT = NotFound('nodes "lost" not found', 404)


async def snapshot(store: Store, answer: Manifest | ApiError = NODE_IS_ABSENT) -> Any:
    api: Any = NodeApi(answer)
    session: Any = None
    return await observe_job(
        store, ("ns", "j"), api=api, warnings=PodWarnings(api), images=IMAGES, gang=True, session=session
    )


async def test_a_job_is_observed_with_its_cluster_and_what_it_owns(store: Store) -> None:
    store.pod_changed("upsert", pod("j-worker-0", "worker"))
    store.pod_changed("upsert", {**pod("j-worker-1", "worker", owner="uid-of-predecessor")})
    store.claim_changed("upsert", {"metadata": {"namespace": "ns", "name": "datasets", "uid": "d"}})
    found = await snapshot(store)
    assert (found.job.name, found.clusters, list(found.claims)) == ("j", ("default",), ["datasets"])
    assert [view.name for view in found.pods] == ["j-worker-0"]
    assert found.gpus_capacity == 8
    assert found.lost_nodes == {"lost"}
    assert found.coordinator is None


@pytest.mark.parametrize(
    ("answer", "lost_nodes", "unknown"),
    [
        pytest.param(NODE_IS_ABSENT, {"lost"}, set(), id="it does not exist"),
        pytest.param(Unavailable("no answer"), set(), {"lost"}, id="the API server does not answer"),
        pytest.param(RequestRejected("forbidden", 403), set(), {"lost"}, id="the API server refuses the question"),
        pytest.param(node(name="lost"), set(), set(), id="it exists, and the cache lags behind"),
        pytest.param(node("False", name="lost"), {"lost"}, set(), id="it exists and is not ready"),
    ],
)
async def test_a_node_that_the_cache_lacks_is_lost_only_if_the_api_server_says_so(
    store: Store, answer: Manifest | ApiError, lost_nodes: set[str], unknown: set[str]
) -> None:
    store.pod_changed("upsert", pod("j-worker-0", "worker"))
    found = await snapshot(store, answer)
    assert (found.lost_nodes, found.nodes.unknown) == (lost_nodes, unknown)


async def test_known_nodes_are_counted_and_not_asked_for(store: Store) -> None:
    store.node_changed("upsert", node("False", name="lost"))
    store.pod_changed("upsert", pod("j-worker-0", "worker"))
    found = await snapshot(store, Unavailable("not to be asked"))
    assert (found.nodes.known, found.nodes.not_ready, found.lost_nodes) == (2, 1, {"lost"})


async def test_no_node_is_lost_while_most_nodes_are_not_ready_at_once(store: Store) -> None:
    for number in range(16):
        store.node_changed("upsert", node("Unknown" if number < 11 else "True", name=f"n{number}", since=7200))
        worker = pod(f"j-worker-{number}", "worker")
        store.pod_changed("upsert", {**worker, "spec": {"nodeName": f"n{number}"}})
    found = await snapshot(store)
    assert (found.nodes.not_ready, found.nodes.known, found.lost_nodes) == (11, 17, frozenset())
    for number in range(11):
        store.node_changed("upsert", node("True", name=f"n{number}", since=0))
    assert (await snapshot(store)).nodes.not_ready_since == {}


async def test_a_running_coordinator_is_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def sync_workers(session: Any, job: Any, pod: Any) -> Any:
        asked.append(pod.name)
        return coordinator_status()

    monkeypatch.setattr(observe, "sync_workers", sync_workers)
    store.pod_changed("upsert", pod("j-coordinator", "coordinator"))
    assert (await snapshot(store)).coordinator.state == "Training"
    assert asked == ["j-coordinator"]


async def test_a_job_that_is_being_deleted_is_not_observed(store: Store) -> None:
    store.jobs["ns", "j"]["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    assert await snapshot(store) is None


def test_objects_of_a_predecessor_of_the_same_name_are_not_owned() -> None:
    objects = {"a": pod("a", "worker"), "b": pod("b", "worker", owner="uid-of-predecessor"), "c": {"metadata": {}}}
    assert list(owned(objects, "uid-of-j")) == ["a"]


async def test_a_cluster_is_observed_with_the_claims_of_its_tenants(store: Store) -> None:
    for namespace in ("ns", "foreign"):
        store.claim_changed("upsert", {"metadata": {"namespace": namespace, "name": "x", "uid": namespace}})
    store.absent_namespaces = {"gone", "foreign"}
    found = observe_cluster(store, "default")
    assert list(found.claims) == [("ns", "x")]
    assert found.missing_namespaces == {"gone"}
    assert [view.name for view in found.nodes] == ["n"]
    assert observe_cluster(store, "other") is None


async def test_the_fleet_is_all_jobs_clusters_nodes_and_claims_of_pools(store: Store) -> None:
    labelled = {"namespace": "ns", "name": "datasets", "uid": "d", "labels": {CLUSTER_LABEL: "default"}}
    store.claim_changed("upsert", {"metadata": labelled})
    store.claim_changed("upsert", {"metadata": {"namespace": "ns", "name": "own", "uid": "o"}})
    fleet = observe_fleet(store)
    assert [job.name for job in fleet.jobs] == ["j"]
    assert list(fleet.clusters) == ["default"]
    assert [view.name for view in fleet.nodes] == ["n"]
    assert [claim.pool for claim in fleet.claims] == ["datasets"]
