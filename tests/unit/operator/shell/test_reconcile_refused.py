"""What the API server refuses is reported once, and asked for again when that can help."""

import copy
from collections.abc import Callable

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.work_queue import Key
from unit.operator.builders import SPEC
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


async def training(api: EchoingApi) -> Reconciler:
    """Return the reconciler of a job whose pods exist."""
    found = await reconciler(api, manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    await reconcile_all(found)
    return found


def changed(api: EchoingApi, found: Reconciler, kind: str, name: str, change: Callable[[Manifest], None]) -> None:
    """Let someone else change an object."""
    obj = copy.deepcopy(api.objects[kind, "ns", name])
    change(obj)
    obj["metadata"]["resourceVersion"] = str(next(api.versions))
    api.objects[kind, "ns", name] = obj
    (found.store.pod_changed if kind == "Pod" else found.store.object_changed)("upsert", copy.deepcopy(obj))


def relabel(pod: Manifest) -> None:
    pod["metadata"]["labels"]["llmtrain.dev/role"] = "x"


def divert(service: Manifest) -> None:
    service["spec"]["ports"][0]["targetPort"] = 1


@pytest.mark.parametrize(
    ("verb", "kind", "name", "change"),
    [("merge", "Pod", "j-worker-0", relabel), ("apply", "Service", "j-coordinator", divert)],
)
@pytest.mark.parametrize("error", [RequestRejected("denied", 403), Unavailable("failed calling webhook", 500)])
async def test_a_refused_repair_does_not_keep_another_object_from_its_creation(
    verb: str, kind: str, name: str, change: Callable[[Manifest], None], error: ApiError
) -> None:
    found = await training(api := EchoingApi())
    reject(api, error, verb, kinds=(kind,))
    changed(api, found, kind, name, change)
    found.store.pod_changed("delete", api.objects.pop(("Pod", "ns", "j-worker-1")))
    await reconcile_all(found)
    assert ("Pod", "ns", "j-worker-1") in api.objects
    for _ in range(5):
        advance(found, 10)
        await reconcile_all(found)
    assert scheduled(found)["reason"] == "APIRejected"
    assert error.message in scheduled(found)["message"]
    api.reject = lambda verb, kind, name: None
    for _ in range(4):
        advance(found, 60)
        await reconcile_all(found)
    assert scheduled(found)["reason"] == "Waiting"


async def test_deletions_that_are_refused_hold_up_no_other_and_are_each_tried_at_their_time() -> None:
    found = await training(api := EchoingApi())
    protected = {f"j-worker-{number}" for number in range(2)}
    job = found.store.jobs["ns", "j"]
    wider = {**job, "spec": {**PROGRAM, "workers": {"replicas": 8}}}
    wider["metadata"] = {**job["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
    found.store.job_changed("upsert", wider)
    await reconcile_all(found)
    denied = RequestRejected("pod is protected", 403)
    api.reject = lambda verb, kind, name: denied if verb == "delete" and name in protected else None
    for number in range(8):

        def fail(pod: Manifest) -> None:
            pod["status"] = {"phase": "Failed"}
            pod["spec"]["nodeName"] = "n"

        changed(api, found, "Pod", f"j-worker-{number}", fail)
    api.calls.clear()
    await reconcile_all(found)
    phases = [api.objects["Pod", "ns", f"j-worker-{number}"]["status"]["phase"] for number in range(8)]
    assert phases == ["Failed"] * 2 + ["Pending"] * 6
    assert len([call for call in api.calls if call.startswith("delete Pod") and call.split()[-1] in protected]) == 2
    assert "(1 more requests are refused)" in scheduled(found)["message"]
    for _ in range(14):
        advance(found, 1)
        await reconcile_all(found)
    assert api.counts()["delete"] == 8, "events do not shorten the back-off of either"


PROBLEMS = {
    "a webhook that fails": Unavailable('failed calling webhook "v"', 500),
    "503": Unavailable("unavailable", 503),
    "429": Unavailable("too many requests", 429, 5),
    "no answer": Unavailable("no answer from the API server: TimeoutError"),
}
QUOTA_CONFLICT = Conflict("Operation cannot be fulfilled on resourcequotas", 409)


@pytest.mark.parametrize(
    ("error", "verb"),
    [
        *(
            pytest.param(error, verb, id=f"{verb}: {name}")
            for verb in ("create", "delete")
            for name, error in PROBLEMS.items()
        ),
        pytest.param(QUOTA_CONFLICT, "create", id="create: 409"),
    ],
)
async def test_a_problem_of_the_server_is_reported_after_the_second_try_and_retried(error: ApiError, verb: str) -> None:
    found = await (reconciler if verb == "create" else training)(api := EchoingApi())
    if verb == "delete":
        job = found.store.jobs["ns", "j"]
        fewer = {**job, "spec": {**PROGRAM, "workers": {"replicas": 1}}}
        fewer["metadata"] = {**job["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
        found.store.job_changed("upsert", fewer)
    reject(api, error, verb)
    results = await reconcile_all(found)
    assert "failed" in results
    assert scheduled(found)["reason"] == "Waiting", "it may pass at once"
    advance(found, 10)
    await reconcile_all(found)
    assert (scheduled(found)["reason"], api.events.count("APIRejected")) == ("APIRejected", 1)
    assert error.message in scheduled(found)["message"]
    tried = api.counts()[verb]
    for _ in range(60):
        advance(found, 10)
        await reconcile_all(found)
    assert 9 <= api.counts()[verb] - tried <= 16, "every minute in the end"
    assert api.events.count("APIRejected") == 1
    api.reject = lambda verb, kind, name: None
    advance(found, 60)
    await reconcile_all(found)
    assert scheduled(found)["reason"] == "Waiting"


async def test_a_retry_after_is_respected_within_reason() -> None:
    for asked, waited in ((30.0, 30), (10.0**9, 60)):
        found = await reconciler(api := EchoingApi())
        reject(api, Unavailable("too many requests", 429, asked), "create")
        await reconcile_all(found)
        before = len(api.calls)
        advance(found, waited - 1)
        await reconcile_all(found)
        assert len(api.calls) == before
        advance(found, 1)
        await reconcile_all(found)
        assert api.calls[before] == "create Pod j-prepare"


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


@pytest.mark.parametrize("error", [*PROBLEMS.values(), QUOTA_CONFLICT, RequestRejected("exceeded quota", 403)])
async def test_whatever_keeps_a_tenant_from_its_claims_keeps_no_other_and_is_reported(error: ApiError) -> None:
    cluster = {**CLUSTER_SPEC, "tenants": [{"namespace": name} for name in ("a", "b", "c")]}
    found = await reconciler(api := EchoingApi(), cluster=cluster)
    tried: list[str] = []

    async def create(obj: Manifest) -> Manifest:
        tried.append(obj["metadata"]["namespace"])
        if obj["metadata"]["namespace"] == "a" and is_broken:
            raise error
        return await EchoingApi.create(api, obj)

    api.create, is_broken = create, True  # type: ignore[method-assign]
    await reconcile_all(found)
    claims = [namespace for kind, namespace, _ in api.objects if kind == "PersistentVolumeClaim"]
    assert [claims.count(namespace) for namespace in ("b", "c")] == [2, 2]
    for _ in range(20):
        advance(found, 60)
        await reconcile_all(found)
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "ClaimsRejected")
    assert error.message in ready["message"]
    assert tried.count("a") <= 2 * 24, "at most every minute in the end"
    is_broken = False
    for _ in range(6):
        advance(found, 60)
        await reconcile_all(found)
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert ready["status"] == "True"


async def test_a_claim_that_is_refused_again_in_the_same_words_is_tried_again_without_any_other_event() -> None:
    found = await reconciler(api := EchoingApi(), cluster={**CLUSTER_SPEC, "tenants": [{"namespace": "a"}]})
    reject(api, RequestRejected("exceeded quota", 403), "create", kinds=("PersistentVolumeClaim",))
    key = Key("cluster", "", "default")
    for _ in range(3):
        await reconcile_all(found)
        assert key in found.queue.timers
        found.now += 60 * 10  # type: ignore[attr-defined]
        found.queue.add(key)


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
