"""Plans are executed in order, and what the API server answers is known at once."""

import asyncio
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event, ObjectReference, Plan
from llmtrain_operator.shell.claim_memory import ClaimMemory
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound, RequestRejected
from llmtrain_operator.shell.execute import TURN, Executor
from llmtrain_operator.shell.job_memory import JobMemory
from llmtrain_operator.shell.refusals import RequestRefused
from unit.operator.builders import SPEC
from unit.operator.shell.echoing_api import EchoingApi, advance, manifest, reconcile_all, reconciler, scheduled

JOB = manifest(JOB_KIND, "j", SPEC, namespace="ns")
OWNER = {"kind": JOB_KIND, "name": "j", "uid": "uid-of-j", "controller": True}
PROGRAM = {**SPEC, "entrypoint": {"script": "train.py"}, "data": {"source": {"volume": "datasets"}}}
QUOTA = RequestRejected("exceeded quota: q", 403)
LABELS = {"llmtrain.dev/job": "j"}


def child(kind: str, name: str, **metadata: Any) -> Manifest:
    found = {"name": name, "namespace": "ns", "labels": LABELS, "ownerReferences": [OWNER], **metadata}
    return {"apiVersion": "v1", "kind": kind, "metadata": found, **({"spec": {}} if kind == "Pod" else {})}


def reference(name: str) -> ObjectReference:
    return ObjectReference(api_version="v1", kind="Pod", namespace="ns", name=name)


@pytest.fixture
async def api() -> EchoingApi:
    api = EchoingApi()
    await reconciler(api, JOB)
    return api


async def execute(api: EchoingApi, plan: Plan) -> JobMemory:
    memory = JobMemory("uid-of-j")
    await Executor(api, api.store).execute(api.store.jobs["ns", "j"], plan, memory)
    return memory


async def test_the_status_is_written_first_and_deletions_come_before_applications(api: EchoingApi) -> None:
    plan = Plan(
        status=JobStatus(stage="Training"),
        events=(Event(type="Normal", reason="R", message="m"),),
        apply=(child("Service", "s"),),
        delete=(reference("gone"),),
    )
    memory = await execute(api, plan)
    assert api.calls == [f"status {JOB_KIND} j", "delete Pod gone", "create Service s"]
    assert api.events == ["R"]
    assert api.store.jobs["ns", "j"]["status"]["stage"] == "Training"
    assert memory.status_age is not None


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        pytest.param(None, [], id="it grows"),
        pytest.param(NotFound("gone", 404), [], id="it was deleted since"),
        pytest.param(
            RequestRejected("cannot be resized", 403), ["a/x: cannot be resized"], id="its class cannot grow volumes"
        ),
    ],
)
async def test_an_existing_claim_is_changed(api: EchoingApi, error: ApiError | None, refused: list[str]) -> None:
    async def merge(claim: Manifest) -> Manifest:
        if error is not None:
            raise error
        return {**claim, "metadata": {**claim["metadata"], "resourceVersion": "5"}}

    api.merge = merge
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "x", "namespace": "a", "uid": "u"},
        "spec": {"resources": {"requests": {"storage": "5Gi"}}},
    }
    memory = ClaimMemory()
    found = await Executor(api, api.store).execute_cluster(api.store.clusters["default"], Plan(apply=(claim,)), memory)
    assert found == refused
    assert list(memory.pending()) == ([("a", "x")] if refused else [])
    assert memory.missing_namespaces() == frozenset()
    assert (api.store.claims.get("a", {}).get("x") is not None) is (error is None)


async def test_a_secret_that_exists_is_neither_read_nor_kept(api: EchoingApi) -> None:
    secret = child("Secret", "j-token-uid-of-j")
    api.objects["Secret", "ns", "j-token-uid-of-j"] = child("Secret", "j-token-uid-of-j", uid="another")
    plan = Plan(apply=(secret, child("Pod", "p")))
    await execute(api, plan)
    assert api.calls == ["create Secret j-token-uid-of-j", "create Pod p"]
    assert set(api.store.objects_of.get(("ns", "j"), {})) == set()
    del api.objects["Secret", "ns", "j-token-uid-of-j"]
    await execute(api, Plan(apply=(secret,)))
    assert set(api.store.objects_of.get(("ns", "j"), {})) == set()


async def test_pods_are_created_at_once_after_what_they_need_and_after_the_first_of_them(api: EchoingApi) -> None:
    def started() -> list[str]:
        return [call.split()[-1] for call in api.calls]

    gate = asyncio.Event()
    create = api.create

    async def slow(manifest: Manifest) -> Manifest:
        created = await create(manifest)
        await gate.wait()
        return created

    api.create = slow  # type: ignore[method-assign]
    pods = tuple(child("Pod", f"p{number}") for number in range(4))
    executing = asyncio.create_task(execute(api, Plan(apply=(child("Service", "s"), child("ConfigMap", "c"), *pods))))
    for expected in (["s", "c"], ["s", "c", "p0"], ["s", "c", "p0", "p1", "p2", "p3"]):
        for _ in range(20):
            await asyncio.sleep(0)
        assert started() == expected
        gate.set()
        await asyncio.sleep(0)
        gate.clear()
    gate.set()
    await executing


async def test_pods_are_not_created_once_the_first_is_refused(api: EchoingApi) -> None:
    error = RequestRejected("exceeded quota", 403)
    api.reject = lambda verb, kind, name: error if kind == "Pod" else None
    with pytest.raises(RequestRefused):
        await execute(api, Plan(apply=tuple(child("Pod", f"p{number}") for number in range(8))))
    assert api.calls == ["create Pod p0"]


async def test_a_job_applies_a_limited_number_of_objects_in_a_turn(api: EchoingApi) -> None:
    executor, memory = Executor(api, api.store), JobMemory("uid-of-j")
    pods = tuple(child("Pod", f"p{number}") for number in range(TURN + 1))
    assert await executor.execute(JOB, Plan(apply=pods), memory)
    assert len(api.calls) == TURN
    assert not await executor.execute(JOB, Plan(apply=pods[TURN:]), memory)


async def test_what_was_created_is_known_without_a_watch_event(api: EchoingApi) -> None:
    await execute(api, Plan(apply=(child("Pod", "p"), child("Service", "s"))))
    assert api.store.pods_of["ns", "j"]["p"]["metadata"]["uid"] == "uid-of-p"
    assert ("Service", "s") in api.store.objects_of["ns", "j"]


async def test_an_answer_that_is_older_than_a_watch_event_is_dropped(api: EchoingApi) -> None:
    newer = {**JOB, "metadata": {**JOB["metadata"], "resourceVersion": "999999"}}

    job = api.store.jobs["ns", "j"]
    written = await api.replace_status(job, {"stage": "Waiting"})
    api.store.job_changed("upsert", newer)
    Executor(api, api.store).cache(job, written)
    assert api.store.jobs["ns", "j"]["metadata"]["resourceVersion"] == "999999"


async def test_an_object_with_a_uid_is_changed_and_never_created(api: EchoingApi) -> None:
    await execute(api, Plan(apply=(child("Pod", "p"), child("Service", "s"))))
    await execute(api, Plan(apply=(child("Pod", "p", uid="uid-of-p"), child("Service", "s", uid="uid-of-s"))))
    assert api.calls[-2:] == ["apply Service s", "merge Pod p"]
    with pytest.raises(Conflict):
        await execute(api, Plan(apply=(child("Pod", "p", uid="another"),)))


async def test_a_name_that_someone_else_has_is_refused(api: EchoingApi) -> None:
    api.objects["Service", "ns", "s"] = {"kind": "Service", "metadata": {"name": "s", "namespace": "ns", "uid": "x"}}
    with pytest.raises(RequestRefused, match="Service s is not of this job; rename the job or delete it"):
        await execute(api, Plan(apply=(child("Service", "s"),)))


async def test_an_object_of_the_job_that_is_labelled_as_anothers_is_not_taken_for_created(api: EchoingApi) -> None:
    await api.create(child("Pod", "p", ownerReferences=[{**OWNER, "name": "x"}]))
    with pytest.raises(RequestRefused):
        await execute(api, Plan(apply=(child("Pod", "p"),)))


async def test_a_claim_that_exists_is_used_as_it_is(api: EchoingApi) -> None:
    found = {"name": "c", "namespace": "ns", "uid": "x", "resourceVersion": "7"}
    api.objects["PersistentVolumeClaim", "ns", "c"] = {"kind": "PersistentVolumeClaim", "metadata": found}
    await execute(api, Plan(apply=(child("PersistentVolumeClaim", "c"),)))
    assert api.store.claims["ns"]["c"]["metadata"]["uid"] == "x"


async def test_all_deletions_are_tried_before_a_refusal_counts(api: EchoingApi) -> None:
    api.reject = lambda verb, kind, name: RequestRejected("denied", 403) if name == "a" else None
    with pytest.raises(RequestRefused, match="rejected Pod a of this job: denied"):
        await execute(api, Plan(delete=(reference("a"), reference("b")), apply=(child("Service", "s"),)))
    assert api.calls == ["delete Pod a", "delete Pod b"]


async def test_a_name_taken_by_someone_else_is_a_condition_and_the_object_stays_as_it_is() -> None:
    found = await reconciler(api := EchoingApi())
    theirs = {
        "kind": "ConfigMap",
        "metadata": {"name": "j-run-uid-of-j", "namespace": "ns", "uid": "theirs"},
        "data": {"a": "b"},
    }
    api.objects["ConfigMap", "ns", "j-run-uid-of-j"] = theirs
    await reconcile_all(found)
    assert (scheduled(found)["reason"], scheduled(found)["message"]) == (
        "NameTaken",
        "ConfigMap j-run-uid-of-j is not of this job; rename the job or delete it",
    )
    assert api.objects["ConfigMap", "ns", "j-run-uid-of-j"] == theirs
    assert api.events == ["NameTaken"]
    del api.objects["ConfigMap", "ns", "j-run-uid-of-j"]
    advance(found, 15)
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects


async def test_a_namesakes_pod_that_still_stops_is_waited_for() -> None:
    found = await reconciler(api := EchoingApi())
    old = {
        "kind": "Pod",
        "metadata": {
            "name": "j-prepare",
            "namespace": "ns",
            "uid": "old",
            "resourceVersion": "2",
            "labels": {"llmtrain.dev/job": "j", "llmtrain.dev/role": "prepare"},
            "ownerReferences": [{"kind": JOB_KIND, "name": "j", "uid": "earlier", "controller": True}],
        },
        "spec": {},
        "status": {"phase": "Succeeded"},
    }
    api.objects["Pod", "ns", "j-prepare"] = old
    found.store.pod_changed("upsert", old)
    await reconcile_all(found)
    assert scheduled(found)["reason"] == "Waiting"
    assert "of an earlier job of this name still stops" in scheduled(found)["message"]
    assert "create Pod j-prepare" not in api.calls
    del api.objects["Pod", "ns", "j-prepare"]
    found.store.pod_changed("delete", old)
    await reconcile_all(found)
    assert api.calls.count("create Pod j-prepare") == 1


async def test_an_object_that_exists_already_and_is_the_jobs_own_is_taken_into_the_store() -> None:
    found = await reconciler(api := EchoingApi())
    await reconcile_all(found)
    other = await reconciler(api)
    await reconcile_all(other)
    assert ("Pod", "j-prepare") in {("Pod", name) for name in other.store.pods_of["ns", "j"]}
    assert scheduled(other)["reason"] == "Waiting"


async def test_a_webhook_that_changes_repairs_back_is_tried_once() -> None:
    found = await reconciler(api := EchoingApi())
    api.mutate = lambda obj: obj["metadata"]["labels"].update({"app.kubernetes.io/managed-by": "policy"})
    await reconcile_all(found)
    for _ in range(5):
        advance(found, 60)
        await reconcile_all(found)
    assert api.counts()["merge"] == 1


@pytest.mark.parametrize("is_taken", [False, True], ids=["refused by a quota", "of a name that is taken"])
async def test_a_coordinator_that_cannot_be_created_uses_up_no_term(is_taken: bool) -> None:
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    if is_taken:
        other = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j-coordinator", "namespace": "ns"}}
        await api.create(other)
    else:
        api.reject = lambda verb, kind, name: QUOTA if verb == "create" and kind == "Pod" else None
    await reconcile_all(found)
    for _ in range(3):
        before = len(api.statuses)
        advance(found, 400)
        await reconcile_all(found)
        assert len(api.statuses) - before <= 1
    assert found.store.jobs["ns", "j"]["status"]["coordinatorTerm"] <= 4, "at most one for each attempt"
