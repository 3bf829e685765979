"""The objects of a job over several reconciliations: whose they are, and how often they are created and changed."""

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.shell.errors import RequestRejected
from unit.operator.shell.echoing_api import (
    PROGRAM,
    EchoingApi,
    advance,
    manifest,
    reconcile_all,
    reconciler,
    scheduled,
)

QUOTA = RequestRejected("exceeded quota: q", 403)
WORKER = ObjectReference(api_version="v1", kind="Pod", namespace="ns", name="j-worker-0", uid="uid-of-j-worker-0")


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


async def test_the_secret_with_the_token_is_created_once_and_by_a_new_operator_once_more() -> None:
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    await reconcile_all(found)
    created = []
    for is_new in (False, False, True, False):
        if is_new:
            found.memories.clear()
        await found.executor.delete(WORKER)
        await reconcile_all(found)
        assert "j-worker-0" in found.store.pods_of["ns", "j"]
        created.append(api.calls.count("create Secret j-token-uid-of-j"))
    assert created == [1, 1, 2, 2]
