"""A job or LLMCluster is reconciled until nothing is left to do, whatever the API server refuses."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.work_queue import Key
from unit.operator.builders import SPEC, coordinator_status, progress
from unit.operator.shell.echoing_api import (
    CLUSTER_SPEC,
    EchoingApi,
    advance,
    manifest,
    reconcile_all,
    reconciler,
    scheduled,
)

JOB, CLUSTER = Key("job", "ns", "j"), Key("cluster", "", "default")
QUOTA = RequestRejected('pods "j-prepare" is forbidden: exceeded quota: q', 403)
PROGRAM = {**SPEC, "entrypoint": {"script": "train.py"}, "data": {"source": {"volume": "datasets"}}}


def reject(api: EchoingApi, error: ApiError, *verbs: str, kinds: tuple[str, ...] = ("Pod",)) -> None:
    api.reject = lambda verb, kind, name: error if verb in verbs and kind in kinds else None


async def test_a_job_is_reconciled_until_its_objects_exist() -> None:
    found = await reconciler(api := EchoingApi())
    assert set(await reconcile_all(found)) == {"done"}
    assert sorted(api.objects) == [
        ("ConfigMap", "ns", "j-run"),
        ("PersistentVolumeClaim", "ns", "checkpoints"),
        ("PersistentVolumeClaim", "ns", "datasets"),
        ("Pod", "ns", "j-prepare"),
    ]
    before = list(api.calls)
    advance(found, 3600)
    await reconcile_all(found)
    assert api.calls == before, "a reconciliation with nothing to change makes no call"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(QUOTA, id="quota"),
        pytest.param(RequestRejected("violates PodSecurity", 403), id="pod security"),
        pytest.param(RequestRejected("Invalid value: image", 422), id="invalid"),
        pytest.param(NotFound("the server could not find the requested resource", 404), id="not served"),
    ],
)
async def test_a_refusal_is_reported_once_and_tried_again_after_a_back_off(error: ApiError) -> None:
    found = await reconciler(api := EchoingApi())
    reject(api, error, "create")
    await reconcile_all(found)
    assert scheduled(found)["reason"] == "APIRejected"
    assert error.message in scheduled(found)["message"]
    assert api.events == ["APIRejected"]
    status = found.store.jobs["ns", "j"]["status"]
    assert status["startTime"]
    assert status["trainerImage"] == "trainer-cpu:1"
    before = len(api.calls)
    for _ in range(14):
        advance(found, 1)
        await reconcile_all(found)
    assert len(api.calls) == before, "events do not shorten the back-off"
    advance(found, 1)
    await reconcile_all(found)
    assert api.calls[before:] == ["create Pod j-prepare"], "the same refusal again changes nothing in the status"
    for _ in range(100):
        advance(found, 15)
        await reconcile_all(found)
    assert len(api.calls) - before <= 10, "25 minutes at up to 5 minutes"
    assert api.events == ["APIRejected"]


async def test_a_job_starts_when_the_refusal_ends() -> None:
    found = await reconciler(api := EchoingApi())
    reject(api, QUOTA, "create")
    await reconcile_all(found)
    api.reject = lambda verb, kind, name: None
    advance(found, 15)
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects
    assert scheduled(found)["reason"] == "Waiting"


async def test_a_changed_spec_is_tried_soon() -> None:
    found = await reconciler(api := EchoingApi())
    reject(api, QUOTA, "create")
    await reconcile_all(found)
    api.reject = lambda verb, kind, name: None
    job = found.store.jobs["ns", "j"]
    metadata = {**job["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
    found.store.job_changed("upsert", {**job, "metadata": metadata})
    advance(found, 1)
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects


def quota(hard: str, used: str) -> Manifest:
    return {
        "metadata": {"name": "q", "namespace": "ns", "uid": "q"},
        "status": {"hard": {"pods": hard}, "used": {"pods": used}},
    }


async def test_a_quota_that_leaves_more_room_lets_the_jobs_of_its_namespace_start() -> None:
    jobs = [manifest(JOB_KIND, "j", SPEC, namespace=namespace) for namespace in ("ns", "other")]
    found = await reconciler(api := EchoingApi(), *jobs)
    found.store.quota_changed("upsert", quota("1", "1"))
    reject(api, QUOTA, "create")
    await reconcile_all(found)
    found.now += 5  # type: ignore[attr-defined]
    for hard, used in (("2", "2"), ("1", "1"), ("0", "1")):
        found.store.quota_changed("upsert", quota(hard, used))
    assert not len(found.queue), "there is no more room than before"
    api.reject = lambda verb, kind, name: None
    found.store.quota_changed("upsert", quota("5", "1"))
    assert len(found.queue) == 1, "other namespaces are not concerned"
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects
    assert len(found.store.refused) == 1


async def test_a_quota_that_grows_while_a_request_is_refused_is_noticed() -> None:
    found = await reconciler(api := EchoingApi())
    found.store.quota_changed("upsert", quota("1", "1"))

    def grow(verb: str, kind: str, name: str) -> ApiError | None:
        if (verb, kind) != ("create", "Pod"):
            return None
        api.reject = lambda verb, kind, name: None
        found.store.quota_changed("upsert", quota("5", "1"))
        return QUOTA

    api.reject = grow
    await reconcile_all(found)
    advance(found, 1)
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects


async def test_the_more_jobs_are_refused_the_less_often_each_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrain_operator.shell.refusals.SECONDS_PER_REFUSAL", 1000.0)
    jobs = [manifest(JOB_KIND, name, SPEC, namespace="ns") for name in ("j", "k", "l")]
    found = await reconciler(api := EchoingApi(), *jobs)
    reject(api, QUOTA, "create")
    await reconcile_all(found)
    for _ in range(10):  # refusals
        advance(found, 3000)
        await reconcile_all(found)
    before = len(api.calls)
    advance(found, 2990)
    await reconcile_all(found)
    assert len(api.calls) == before
    advance(found, 10)
    await reconcile_all(found)
    assert len(api.calls) > before


async def test_a_refused_status_is_no_hot_loop() -> None:
    found = await reconciler(api := EchoingApi())
    reject(api, RequestRejected("status is invalid", 422), "status", kinds=(JOB_KIND,))
    await reconcile_all(found)
    for _ in range(14):
        advance(found, 1)
        await reconcile_all(found)
    assert api.counts()["status"] == 2, "the job's once, and that of the LLMCluster"
    advance(found, 1)
    await reconcile_all(found)
    assert api.counts()["status"] == 3


async def test_a_refused_deletion_is_no_hot_loop() -> None:
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    await reconcile_all(found)
    reject(api, RequestRejected("denied by a webhook", 403), "delete")
    job = found.store.jobs["ns", "j"]
    changed = {**job, "spec": {**PROGRAM, "workers": {"replicas": 1}}}
    changed["metadata"] = {**job["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
    found.store.job_changed("upsert", changed)
    for _ in range(14):
        advance(found, 1)
        await reconcile_all(found)
    assert api.counts()["delete"] == 1
    assert "denied by a webhook" in scheduled(found)["message"]


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


async def test_a_job_that_is_deleted_while_its_coordinator_is_asked_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, answers = await with_coordinator(monkeypatch)
    job = found.store.jobs["ns", "j"]
    answers.append(lambda: found.store.job_changed("delete", job))
    await reconcile_all(found)
    await asked(found)
    assert "failed" not in await reconcile_all(found)
    assert found.poller.polls == {}


async def with_coordinator(monkeypatch: pytest.MonkeyPatch) -> tuple[Reconciler, list[Any]]:
    """Return a reconciler of a job whose coordinator runs, and the actions to take while it is asked."""
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    found.api_server = api  # type: ignore[attr-defined]

    def run_coordinator(obj: Manifest) -> None:
        if obj["kind"] == "Pod" and obj["metadata"]["name"] == "j-coordinator":
            obj["status"] = {"phase": "Running", "podIP": "10.0.0.9"}

    api.mutate = run_coordinator
    answers: list[Any] = []

    async def sync_workers(*_: Any) -> Any:
        if answers:
            answers.pop(0)()
        return coordinator_status()

    monkeypatch.setattr("llmtrain_operator.shell.coordinator_poller.sync_workers", sync_workers)
    return found, answers


async def asked(found: Reconciler) -> None:
    """Let the poller ask now what it would ask later, and wait for the answer."""
    poll = found.poller.polls["ns", "j"]
    assert poll.timer is not None
    poll.timer.cancel()
    found.poller.start(("ns", "j"), None)  # type: ignore[arg-type]
    assert poll.task is not None
    await poll.task


async def test_a_coordinator_is_asked_in_a_task_of_its_own_whose_answer_wakes_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, _ = await with_coordinator(monkeypatch)
    await reconcile_all(found)
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Starting"
    await asked(found)
    assert len(found.queue) == 1
    await reconcile_all(found)
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Training"


async def test_the_coordinator_is_asked_once_more_before_the_job_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = await with_coordinator(monkeypatch)
    await reconcile_all(found)
    await asked(found)
    await reconcile_all(found)
    steps = progress(step=100)

    async def sync_workers(*_: Any) -> Any:
        return coordinator_status("Finished", progress=steps.model_dump())

    monkeypatch.setattr("llmtrain_operator.shell.coordinator_poller.sync_workers", sync_workers)
    api = found.api_server  # type: ignore[attr-defined]
    for worker in ("j-worker-0", "j-worker-1"):
        live = api.objects["Pod", "ns", worker]
        metadata = {**live["metadata"], "resourceVersion": str(next(api.versions))}
        found.store.pod_changed("upsert", {**live, "metadata": metadata, "status": {"phase": "Succeeded"}})
    await reconcile_all(found)
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Training"
    await asked(found)
    await reconcile_all(found)
    status = found.store.jobs["ns", "j"]["status"]
    assert (status["stage"], status["progress"]["step"]) == ("Succeeded", 100)
    assert not [name for kind, _, name in api.objects if kind == "Pod"]


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

    async def delete_gracefully(reference: ObjectReference) -> None:
        if reference.kind == "Pod":
            leave(found, api, reference.name)
        else:
            await delete(reference)

    api.delete = delete_gracefully  # type: ignore[method-assign]
    job = found.store.jobs["ns", "j"]
    metadata = {**job["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
    fewer = {**job, "metadata": metadata, "spec": {**PROGRAM, "workers": {"replicas": 1}}}
    found.store.job_changed("upsert", fewer)
    await reconcile_all(found)
    assert found.store.pods_of["ns", "j"]["j-worker-1"]["metadata"]["deletionTimestamp"]
    assert found.store.jobs["ns", "j"]["status"]["recoveries"]["disruptions"] == 1


async def test_a_missing_tenant_namespace_is_tried_when_it_appears_and_else_seldom() -> None:
    cluster = {**CLUSTER_SPEC, "tenants": [{"namespace": "gone"}, {"namespace": "ok"}]}
    waiting = [manifest(JOB_KIND, f"w{number}", {**SPEC, "cluster": "nowhere"}, namespace="ns") for number in range(5)]
    found = await reconciler(api := EchoingApi(), *waiting, cluster=cluster)
    gone = NotFound('namespaces "gone" not found', 404)
    tried: list[str] = []

    async def create(obj: Manifest) -> Manifest:
        tried.append(obj["metadata"]["namespace"])
        if obj["metadata"]["namespace"] == "gone" and len(tried) < 5:
            raise gone
        return await EchoingApi.create(api, obj)

    api.create = create  # type: ignore[method-assign]
    await reconcile_all(found)
    assert tried.count("gone") == 1, "the other claims of the namespace are not tried"
    assert phases(found) == {"gone": "Missing", "ok": "Pending"}
    writes = api.counts()["status"]
    for _ in range(29):
        advance(found, 1)
        await reconcile_all(found)
    assert (tried.count("gone"), api.counts()["status"]) == (1, writes)
    advance(found, 1)
    await reconcile_all(found)
    assert (tried.count("gone"), api.counts()["status"]) == (2, writes), "and the status does not change to and fro"
    advance(found, 10)
    await reconcile_all(found)
    assert tried.count("gone") == 2
    found.store.namespace_changed("upsert", {"metadata": {"name": "gone", "uid": "u"}})
    assert len(found.queue) == 1, "only the LLMCluster waits for it"
    await reconcile_all(found)
    assert tried.count("gone") == 4
    assert phases(found) == {"gone": "Pending", "ok": "Pending"}
    assert len(found.store.refused) == 0


def phases(found: Reconciler) -> dict[str, str]:
    return {claim["namespace"]: claim["phase"] for claim in found.store.clusters["default"]["status"]["claims"]}


async def test_a_tenants_refusal_keeps_no_other_tenant_from_its_claims() -> None:
    cluster = {**CLUSTER_SPEC, "tenants": [{"namespace": name} for name in ("a", "b", "c")]}
    found = await reconciler(api := EchoingApi(), cluster=cluster)

    async def create(obj: Manifest) -> Manifest:
        if obj["metadata"]["namespace"] == "a":
            raise RequestRejected("exceeded quota: storage", 403)
        return await EchoingApi.create(api, obj)

    api.create = create  # type: ignore[method-assign]
    await reconcile_all(found)
    claims = [key for key in api.objects if key[0] == "PersistentVolumeClaim"]
    assert {namespace for _, namespace, _ in claims} >= {"b", "c"}
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "ClaimsRejected")
    assert "in namespace a: exceeded quota: storage" in ready["message"]


async def test_what_is_due_later_is_returned_to_the_queue() -> None:
    finished = {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Completed", "message": ""}]}
    finished["conditions"][0]["lastTransitionTime"] = "2026-11-23T12:00:00Z"
    status = {**finished, "stage": "Succeeded", "finishTime": "2999-11-23T12:00:00.000Z"}
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
