"""A job or LLMCluster is reconciled until nothing is left to do."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound, Unavailable
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.work_queue import Key
from unit.operator.builders import SPEC, node
from unit.operator.shell.echoing_api import (
    CLUSTER_SPEC,
    PROGRAM,
    EchoingApi,
    advance,
    manifest,
    reconcile_all,
    reconciler,
    reject,
    scheduled,
)

JOB, CLUSTER = Key("job", "ns", "j"), Key("cluster", "", "default")


async def test_a_job_is_reconciled_until_its_objects_exist() -> None:
    found = await reconciler(api := EchoingApi())
    assert set(await reconcile_all(found)) == {"done"}
    assert sorted(api.objects) == [
        ("ConfigMap", "ns", "j-run-uid-of-j"),
        ("PersistentVolumeClaim", "ns", "checkpoints"),
        ("PersistentVolumeClaim", "ns", "datasets"),
        ("Pod", "ns", "j-prepare"),
    ]
    before = list(api.calls)
    advance(found, 3600)
    await reconcile_all(found)
    assert api.calls == before, "a reconciliation with nothing to change makes no call"


class YieldingApi(EchoingApi):
    """Answers a status only after other tasks have run."""

    async def replace_status(self, obj: Manifest, status: Manifest) -> Manifest:
        await asyncio.sleep(0)
        return await super().replace_status(obj, status)


async def test_jobs_that_start_at_the_same_time_share_the_free_gpus_of_the_pools() -> None:
    pools = [{"name": name, "nodeSelector": {"pool": name}} for name in ("a", "b")]
    workers = {"workers": {"replicas": 1, "gpus": 8}, "training": {"steps": 1}}
    jobs = [manifest(JOB_KIND, name, {**SPEC, **workers}, namespace="ns") for name in ("j0", "j1")]
    found = await reconciler(YieldingApi(), *jobs, cluster={**CLUSTER_SPEC, "computePools": pools})
    for name in ("a", "b"):
        found.store.node_changed("upsert", node(name=name, labels={"pool": name}))
    found.queue.processing |= {Key("job", "ns", name) for name in ("j0", "j1")}
    await asyncio.gather(*(found.attempt(Key("job", "ns", name), None) for name in ("j0", "j1")))
    assert {found.store.jobs["ns", name]["status"]["pool"] for name in ("j0", "j1")} == {"a", "b"}


@pytest.mark.parametrize(
    ("error", "result"),
    [(Unavailable("no connection"), "failed"), (Conflict("changed"), "conflict")],
)
@pytest.mark.parametrize("key", [JOB, CLUSTER], ids=["job", "cluster"])
async def test_an_error_of_the_api_server_is_the_result(key: Key, error: ApiError, result: str) -> None:
    found = await reconciler(api := EchoingApi())
    reject(api, error, "status", kinds=(JOB_KIND, CLUSTER_KIND))
    assert await found.attempt(key, None) == result  # type: ignore[arg-type]


async def test_a_job_that_is_deleted_while_its_status_is_written_leaves_the_store() -> None:
    found = await reconciler(api := EchoingApi())
    reject(api, NotFound("not found", 404), "status", kinds=(JOB_KIND,))
    assert await reconcile_all(found)
    assert found.store.jobs == {}


async def test_the_plan_of_a_job_is_not_executed_on_a_namesake() -> None:
    old = {"startTime": "2026-11-01T12:00:00.000Z", "trainerImage": "OLD", "coordinatorImage": "op:1"}
    dataset = {"id": "OLD", "tokens": 1, "heldOutTokens": 1, "vocabSize": 1}
    first = manifest(JOB_KIND, "j", SPEC, {**old, "dataset": dataset}, namespace="ns", uid="A")
    found = await reconciler(api := EchoingApi(), first)

    def recreate(verb: str, kind: str, name: str) -> ApiError | None:
        if verb == "create" and kind == "Pod" and found.store.jobs["ns", "j"]["metadata"]["uid"] == "A":
            second = manifest(JOB_KIND, "j", SPEC, namespace="ns", uid="B", resourceVersion=str(next(api.versions)))
            found.store.job_changed("upsert", second)
            found.store.job_changed("delete", first)
        return None

    api.reject = recreate
    await reconcile_all(found)
    status = found.store.jobs["ns", "j"]["status"]
    assert found.store.jobs["ns", "j"]["metadata"]["uid"] == "B"
    assert status["trainerImage"] == "trainer-cpu:1"
    assert "dataset" not in status


def leave(found: Reconciler, api: EchoingApi, name: str) -> None:
    """Let the API server report that a pod is being deleted."""
    live = api.objects["Pod", "ns", name]
    metadata = {**live["metadata"], "resourceVersion": str(next(api.versions))}
    metadata["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    found.store.pod_changed("upsert", {**live, "metadata": metadata})


async def test_a_pod_that_someone_else_deletes_is_a_disruption_and_one_that_the_operator_deletes_is_not() -> None:
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    await reconcile_all(found)
    leave(found, api, "j-worker-0")
    await reconcile_all(found)
    recoveries = found.store.jobs["ns", "j"]["status"]["recoveries"]
    assert [(record["pod"], record["reason"]) for record in recoveries["recent"]] == [("j-worker-0", "PodDeleted")]
    assert (recoveries["count"], recoveries["disruptions"], recoveries["times"]) == (0, 1, [])
    assert api.events.count("PodDisrupted") == 1
    delete = api.delete

    async def delete_gracefully(reference: ObjectReference) -> Manifest:
        if reference.kind == "Pod":
            leave(found, api, reference.name)
            return found.store.pods_of["ns", "j"][reference.name]
        return await delete(reference)

    api.delete = delete_gracefully  # type: ignore[method-assign]
    job = found.store.jobs["ns", "j"]
    metadata = {**job["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
    fewer = {**job, "metadata": metadata, "spec": {**PROGRAM, "workers": {"replicas": 1}}}
    found.store.job_changed("upsert", fewer)
    await reconcile_all(found)
    assert found.store.pods_of["ns", "j"]["j-worker-1"]["metadata"]["deletionTimestamp"]
    assert found.store.jobs["ns", "j"]["status"]["recoveries"]["disruptions"] == 1


async def test_each_object_of_a_job_that_ends_is_deleted_once_however_late_watch_events_come() -> None:
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    await reconcile_all(found)
    delete = api.delete

    async def delete_gracefully(reference: ObjectReference) -> Manifest:
        answer = await delete(reference)
        if reference.kind != "Pod":
            return answer
        pod = found.store.pods_of["ns", "j"][reference.name]
        leaving = {"deletionTimestamp": "2026-11-23T12:00:00Z", "resourceVersion": str(next(api.versions))}
        return {**pod, "metadata": {**pod["metadata"], **leaving}}

    api.delete = delete_gracefully  # type: ignore[method-assign]
    job = found.store.jobs["ns", "j"]
    deleted = {"deletionTimestamp": "2026-11-23T12:00:00Z", "resourceVersion": str(next(api.versions))}
    found.store.job_changed("upsert", {**job, "metadata": {**job["metadata"], **deleted}})
    for _ in range(3):
        await reconcile_all(found)
        found.queue.add(JOB)
    deletions = [call for call in api.calls if call.startswith("delete ")]
    assert len(deletions) > 3
    assert len(deletions) == len(set(deletions))


async def test_what_is_due_later_is_returned_to_the_queue() -> None:
    finished = {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Completed", "message": ""}]}
    finished["conditions"][0]["lastTransitionTime"] = "2026-11-23T12:00:00Z"
    status = {**finished, "stage": "Succeeded", "finishTime": "2199-11-23T12:00:00.000Z"}
    spec = {**SPEC, "ttlSecondsAfterFinished": 60}
    found = await reconciler(EchoingApi(), manifest(JOB_KIND, "j", spec, status, namespace="ns"))
    _, seconds = await found.reconcile(JOB, None)  # type: ignore[arg-type]
    assert seconds is not None
    assert seconds > timedelta(days=365).total_seconds()


FINISHED = {
    "stage": "Failed",
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Failed",
            "status": "True",
            "reason": "BadInput",
            "message": "",
            "lastTransitionTime": "2026-11-23T12:00:00Z",
        }
    ],
}


@pytest.mark.parametrize(
    ("spec", "status", "computed"),
    [
        pytest.param(SPEC, FINISHED, False, id="nothing is left of it"),
        pytest.param({**SPEC, "ttlSecondsAfterFinished": 60}, FINISHED, True, id="it expires"),
        pytest.param(SPEC, {**FINISHED, "observedGeneration": 0}, True, id="its spec has changed"),
        pytest.param(SPEC, {"observedGeneration": 1}, True, id="it has not finished"),
    ],
)
async def test_nothing_is_computed_for_a_finished_job_of_which_nothing_is_left(
    spec: dict[str, Any], status: dict[str, Any], computed: bool
) -> None:
    found = await reconciler(EchoingApi(), manifest(JOB_KIND, "j", spec, status, namespace="ns"))
    plans, plan = [], found.plan
    found.plan = lambda snapshot: plans.append(snapshot) or plan(snapshot)  # type: ignore[assignment, func-returns-value]
    found.memory_of(("ns", "j"), "uid-of-j")
    await found.attempt(JOB, None)  # type: ignore[arg-type]
    assert bool(plans) is computed
    assert (("ns", "j") in found.memories) is computed, "and nothing is kept for it"


async def test_a_finished_job_with_a_pod_is_cleaned_up() -> None:
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", SPEC, namespace="ns"))
    await reconcile_all(found)
    job = found.store.jobs["ns", "j"]
    metadata = {**job["metadata"], "resourceVersion": str(next(api.versions))}
    found.store.job_changed("upsert", {**job, "metadata": metadata, "status": {**job["status"], **FINISHED}})
    await reconcile_all(found)
    assert [kind for kind, _, _ in api.objects] == ["PersistentVolumeClaim", "PersistentVolumeClaim"]


async def test_a_failed_pod_is_deleted_once_its_end_is_recorded() -> None:
    found = await reconciler(api := EchoingApi())
    await reconcile_all(found)
    live = api.objects["Pod", "ns", "j-prepare"]
    ended = {**live, "status": {"phase": "Failed"}}
    ended["metadata"] = {**live["metadata"], "resourceVersion": str(next(api.versions))}
    found.store.job_changed = lambda change, job: found.store.jobs.update({("ns", "j"): job})  # type: ignore[method-assign]
    found.store.pod_changed("upsert", ended)
    before = len(api.calls)
    await reconcile_all(found)
    assert api.calls[before : before + 2] == [f"status {JOB_KIND} j", "delete Pod j-prepare"]


async def test_a_job_of_an_llmcluster_that_cannot_be_read_says_why_and_starts_when_it_can() -> None:
    pool = {"name": "p", "tolerations": [{"key": "k", "operator": "Gt", "value": "5"}]}
    found = await reconciler(api := EchoingApi(), cluster={**CLUSTER_SPEC, "computePools": [pool]})
    await reconcile_all(found)
    assert scheduled(found)["reason"] == "Unreadable"
    assert "computePools.0.tolerations.0.operator" in scheduled(found)["message"]
    corrected = manifest(CLUSTER_KIND, "default", CLUSTER_SPEC, resourceVersion=str(next(api.versions)), generation=2)
    found.store.cluster_changed("upsert", corrected)
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects
