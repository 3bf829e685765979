"""A refused repair or deletion holds up no other object, and a problem of the server is reported and retried."""

import copy
from collections.abc import Callable

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.errors import ApiError, RequestRejected, Unavailable
from llmtrain_operator.shell.reconcile import Reconciler
from unit.operator.shell.echoing_api import (
    PROBLEMS,
    PROGRAM,
    QUOTA_CONFLICT,
    EchoingApi,
    advance,
    manifest,
    reconcile_all,
    reconciler,
    reject,
    scheduled,
)


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
