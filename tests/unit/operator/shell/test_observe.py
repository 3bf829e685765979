"""Snapshots from the store."""

from typing import Any

import pytest
from pydantic import ValidationError

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_LABEL, JOB_KIND, JOB_LABEL, ROLE_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.policies.refusal import api_rejection
from llmtrain_operator.shell.claim_memory import ClaimMemory
from llmtrain_operator.shell.errors import ApiError, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.job_memory import JobMemory
from llmtrain_operator.shell.observe import (
    fetch_nodes,
    observe_cluster,
    observe_coordinator,
    observe_fleet,
    observe_job,
    unknown_nodes,
)
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.warning_events import WarningEvents
from llmtrain_operator.shell.work_queue import WorkQueue
from unit.operator.builders import IMAGES, KEYS, SPEC, coordinator_status, node

CLUSTER_SPEC = {
    "computePools": [{"name": "all"}],
    "storagePools": [{"name": "x"}],
    "tenants": [{"namespace": "ns"}, {"namespace": "gone"}],
}


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


async def fetched(store: Store, answer: Manifest | ApiError) -> Any:
    """Return what the API server answers about the nodes of the job's pods that the cache lacks."""
    api: Any = NodeApi(answer)
    return await fetch_nodes(api, unknown_nodes(store, ("ns", "j")))


def observed(store: Store, coordinator: Any = None, memory: JobMemory | None = None, nodes: Any = None) -> Any:
    api: Any = None
    absent = dict.fromkeys(unknown_nodes(store, ("ns", "j")))
    return observe_job(
        store,
        ("ns", "j"),
        images=IMAGES,
        token_of=KEYS.token,
        gang=True,
        coordinator=coordinator,
        memory=memory,
        fetched_nodes=absent if nodes is None else nodes,
        warnings=WarningEvents(api),
    )


def snapshot(store: Store, coordinator: Any = None, nodes: Any = None) -> Any:
    found = observed(store, coordinator, nodes=nodes)
    return found.snapshot if found else None


async def test_a_job_is_observed_with_its_cluster_and_what_it_owns(store: Store) -> None:
    store.pod_changed("upsert", pod("j-worker-0", "worker"))
    store.pod_changed("upsert", {**pod("j-worker-1", "worker", owner="uid-of-predecessor")})
    store.claim_changed("upsert", {"metadata": {"namespace": "ns", "name": "datasets", "uid": "d"}})
    found = snapshot(store)
    assert (found.job.name, found.clusters, list(found.claims)) == ("j", ("default",), ["datasets"])
    assert [view.name for view in found.pods] == ["j-worker-0"]
    assert found.capacities["all"].gpus == 8
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
    found = snapshot(store, nodes=await fetched(store, answer))
    assert (found.lost_nodes, found.nodes.unknown) == (lost_nodes, unknown)


async def test_known_nodes_are_counted_and_not_asked_for(store: Store) -> None:
    store.node_changed("upsert", node("False", name="lost"))
    store.pod_changed("upsert", pod("j-worker-0", "worker"))
    found = snapshot(store, nodes=await fetched(store, Unavailable("not to be asked")))
    assert (found.nodes.known, found.nodes.not_ready, found.lost_nodes) == (2, 1, {"lost"})


async def test_the_coordinator_is_the_pod_of_its_name_that_the_job_controls(store: Store) -> None:
    key = ("ns", "j")
    assert observe_coordinator(store, key) is None
    store.pod_changed("upsert", pod("a-stranger", "coordinator"))
    assert observe_coordinator(store, key) is None, "a pod with its role and owner but another name"
    store.pod_changed("upsert", pod("j-coordinator", "coordinator", owner="uid-of-predecessor"))
    assert observe_coordinator(store, key) is None, "a pod of an earlier job of the name"
    store.pod_changed("upsert", {**pod("j-coordinator", "coordinator"), "status": {"phase": "Pending"}})
    assert observe_coordinator(store, key) is None, "a pod without an address"
    store.pod_changed("upsert", pod("j-coordinator", "coordinator"))
    found = observe_coordinator(store, key)
    assert found is not None
    assert (found[0].uid, found[1].name) == ("uid-of-j", "j-coordinator")
    assert snapshot(store, coordinator_status()).coordinator.state == "Training"


async def test_a_snapshot_comes_with_the_manifest_that_it_was_made_from(store: Store) -> None:
    found = observed(store, memory=JobMemory("uid-of-j"))
    assert found is not None
    assert found.manifest is store.jobs["ns", "j"]


async def test_objects_with_names_of_the_job_that_it_does_not_control_are_known(store: Store) -> None:
    store.pod_changed("upsert", pod("j-worker-0", "worker", owner="uid-of-predecessor"))
    store.pod_changed("upsert", pod("j-worker-1", "worker"))
    assert list(snapshot(store).taken) == [("Pod", "j-worker-0")]


async def test_what_is_remembered_of_an_earlier_job_of_the_name_does_not_count(store: Store) -> None:
    memory = JobMemory("uid-of-predecessor")
    memory.status_written_at = memory.clock()
    memory.refused(api_rejection(("Pod", "j-prepare"), "no"), frozenset())
    found = observed(store, memory=memory)
    assert found is not None
    assert (found.snapshot.refusals, found.snapshot.status_age) == ((), None)


async def test_an_llmcluster_that_cannot_be_read_affects_only_itself(store: Store) -> None:
    unreadable = top_level(CLUSTER_KIND, "default", {"tenants": "all"}, resourceVersion="2")
    store.cluster_changed("upsert", unreadable)
    assert snapshot(store).cluster is None
    with pytest.raises(ValidationError):
        observe_cluster(store, "default", ClaimMemory())
    assert list(observe_fleet(store).clusters) == []


async def test_a_job_that_cannot_be_read_is_left_out_of_the_metrics(store: Store) -> None:
    unreadable = {**top_level(JOB_KIND, "unreadable", SPEC, namespace="ns"), "status": {"recoveries": 3}}
    store.job_changed("upsert", unreadable)
    assert [job.name for job in observe_fleet(store).jobs] == ["j"]


async def test_the_metrics_take_a_job_as_it_was_read_for_a_reconciliation(store: Store) -> None:
    known = store.job_reader.read(store.jobs["ns", "j"])
    assert [job.status for job in observe_fleet(store).jobs] == [known.status]
    assert observe_fleet(store).jobs[0].status is known.status


async def test_a_job_that_is_being_deleted_is_observed_as_such_and_its_coordinator_is_not_asked(store: Store) -> None:
    store.pod_changed("upsert", pod("j-coordinator", "coordinator"))
    assert not snapshot(store).job.deleting
    store.jobs["ns", "j"]["metadata"] |= {"deletionTimestamp": "2026-11-23T12:00:00Z", "resourceVersion": "2"}
    assert snapshot(store).job.deleting
    assert observe_coordinator(store, ("ns", "j")) is None


async def test_a_cluster_is_observed_with_the_claims_of_its_tenants(store: Store) -> None:
    for namespace in ("ns", "foreign"):
        store.claim_changed("upsert", {"metadata": {"namespace": namespace, "name": "x", "uid": namespace}})
    memory = ClaimMemory()
    memory.refused(("gone", "x"), "not found", is_missing=True)
    memory.refused(("ns", "x"), "it exists now", is_missing=False)
    observed = observe_cluster(store, "default", memory)
    assert observed is not None
    found = observed[1]
    assert list(found.claims) == [("ns", "x")]
    assert found.missing_namespaces == {"gone"}
    assert found.inventory.pools["all"].capacity.nodes == 1
    assert list(found.refusals) == [("gone", "x")]
    assert observe_cluster(store, "other", memory) is None


async def test_a_cluster_is_observed_with_the_claims_that_were_made_for_it_in_any_namespace(store: Store) -> None:
    labels = {CLUSTER_LABEL: "default"}
    claim = {
        "metadata": {"namespace": "job", "name": "x", "uid": "u", "labels": labels},
        "spec": {"resources": {"requests": {"storage": "1Mi"}}},
        "status": {"phase": "Bound"},
    }
    store.claim_changed("upsert", claim)
    memory = ClaimMemory()
    memory.refused(("job", "x"), "cannot be resized", is_missing=False)
    observed = observe_cluster(store, "default", memory)
    assert observed is not None
    assert list(observed[1].claims) == [("job", "x")]
    assert list(observed[1].refusals) == [("job", "x")], "it must still grow"


async def test_the_fleet_is_all_jobs_clusters_nodes_and_claims_of_pools(store: Store) -> None:
    labelled = {"namespace": "ns", "name": "datasets", "uid": "d", "labels": {CLUSTER_LABEL: "default"}}
    store.claim_changed("upsert", {"metadata": labelled})
    store.claim_changed("upsert", {"metadata": {"namespace": "ns", "name": "own", "uid": "o"}})
    fleet = observe_fleet(store)
    assert [job.name for job in fleet.jobs] == ["j"]
    assert list(fleet.clusters) == ["default"]
    assert [view.name for view in fleet.nodes] == ["n"]
    assert [claim.pool for claim in fleet.claims] == ["datasets"]
