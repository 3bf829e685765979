"""Snapshots from the store."""

from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_LABEL, JOB_KIND, JOB_LABEL, ROLE_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell import observe
from llmtrain_operator.shell.observe import observe_cluster, observe_fleet, observe_job, owned
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


async def snapshot(store: Store) -> Any:
    return await observe_job(store, ("ns", "j"), images=IMAGES, gang=True, session=None)  # type: ignore[arg-type]


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
