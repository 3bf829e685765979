"""What the API server refuses is reported once, and asked for again when that can help."""

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.errors import ApiError, NotFound, RequestRejected
from llmtrain_operator.shell.reconcile import Reconciler
from unit.operator.builders import SPEC
from unit.operator.shell.echoing_api import (
    PROGRAM,
    EchoingApi,
    advance,
    manifest,
    reconcile_all,
    reconciler,
    reject,
    scheduled,
)

QUOTA = RequestRejected('pods "j-prepare" is forbidden: exceeded quota: q', 403)


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


def numbered(count: int) -> list[Manifest]:
    """Return jobs of one namespace; of two, the one with the lower number is older."""
    times = [f"2026-11-23T12:{number:02}:00Z" for number in range(count)]
    return [
        manifest(JOB_KIND, f"j{number}", SPEC, namespace="ns", creationTimestamp=time)
        for number, time in enumerate(times)
    ]


async def drain(found: Reconciler) -> None:
    while len(found.queue):
        await found.attempt(await found.queue.take(), None)  # type: ignore[arg-type]


async def test_of_many_refused_jobs_a_few_try_each_time_that_there_is_room() -> None:
    found = await reconciler(api := EchoingApi(), *reversed(numbered(30)))
    found.store.quota_changed("upsert", quota("10", "10"))
    reject(api, QUOTA, "create")
    await drain(found)
    found.now += 14  # type: ignore[attr-defined]
    tried = []
    for _ in range(30):  # a pod of the namespace ends, and another one starts
        api.calls.clear()
        found.store.quota_changed("upsert", quota("10", "9"))
        await drain(found)
        found.store.quota_changed("upsert", quota("10", "10"))
        await drain(found)
        tried.append({call.split()[-1] for call in api.calls if call.startswith("create Pod")})
    assert sum(len(names) for names in tried) <= 60
    assert tried[0] == {"j0-prepare", "j1-prepare"}, "the oldest ones first"
    assert set().union(*tried) == {f"j{number}-prepare" for number in range(30)}, (
        "a job that needs much blocks no other"
    )


async def test_a_job_that_is_admitted_gives_its_turn_to_the_next_ones() -> None:
    found = await reconciler(api := EchoingApi(), *numbered(30))
    found.store.quota_changed("upsert", quota("10", "10"))
    room = 0

    def charge(verb: str, kind: str, name: str) -> ApiError | None:
        nonlocal room
        if (verb, kind) != ("create", "Pod"):
            return None
        room -= 1
        return None if room >= 0 else QUOTA

    api.reject = charge
    await drain(found)
    found.now += 14  # type: ignore[attr-defined]
    api.calls.clear()
    room = 9
    found.store.quota_changed("upsert", quota("19", "10"))
    await drain(found)
    started = sorted(name for kind, _, name in api.objects if kind == "Pod")
    assert started == sorted(f"j{number}-prepare" for number in range(9)), "the oldest ones, as many as fit"
    assert len([call for call in api.calls if call.startswith("create Pod")]) <= 9 + 9


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


async def test_jobs_that_are_refused_are_tried_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrain_operator.shell.retry_pace.SECONDS_PER_REFUSAL", 1000.0)
    jobs = [manifest(JOB_KIND, name, SPEC, namespace="ns") for name in ("j", "k", "l")]
    found = await reconciler(api := EchoingApi(), *jobs)
    reject(api, QUOTA, "create")
    await reconcile_all(found)
    for _ in range(100):
        advance(found, 300)
        await reconcile_all(found)
    before = api.counts()["create"]
    for _ in range(100):
        advance(found, 300)
        await reconcile_all(found)
    assert 20 <= api.counts()["create"] - before <= 30


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
